#!/bin/bash
# Compiles the benchmark and runs it: bench/run.sh LIBRARY_FOLDER [ARGUMENTS OF bench/main.go]
set -euo pipefail
cd "$(dirname "$0")/.."
library=$(cd "$1" && pwd)
shift
mkdir -p build/bench
go build -o build/bench/bench ./bench
"${CC:-cc}" -O2 -Wall -Wextra -std=c11 -D_POSIX_C_SOURCE=200809L -Icapi bench/c/follow.c -o build/bench/follow \
    -L"$library" -lgofollow -Wl,-rpath,"$library"
exec build/bench/bench -dir build/bench -c build/bench/follow "$@"
