#!/bin/bash
# Compiles what the benchmark runs, as far as it is there, and runs it:
# bench/run.sh LIBRARY_FOLDER [ARGUMENTS OF bench/main.go]
set -euo pipefail
cd "$(dirname "$0")/.."
library=$(cd "$1" && pwd)
shift
out=build/bench
mkdir -p "$out"
go build -o "$out/bench" ./bench
go build -o "$out/generate" ./bench/generate
for program in gofollow tcpassembly reassembly; do
    go build -o "$out/$program" "./bench/go/$program"
done
warnings=(-O2 -Wall -Wextra)
"${CC:-cc}" "${warnings[@]}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icapi bench/c/follow.c -o "$out/follow" \
    -L"$library" -lgofollow -Wl,-rpath,"$library"
# Peers that are not installed are left out; the benchmark says so.
peer() { # peer NAME SOURCE COMPILER ARGUMENTS
    local name=$1 source=$2 errors=$out/$1.errors
    if [ "$out/$name" -nt "$source" ] && [ "$out/$name" -nt bench/c/harness.h ]; then
        return
    fi
    rm -f "$out/$name"
    if ! "${@:3}" "${warnings[@]}" "$source" -o "$out/$name" -l"${name#lib}" -lpcap 2>"$errors"; then
        echo "$name cannot be compiled: $(grep -m 1 -i error "$errors" || echo "see $errors")"
    fi
}
peer libnids bench/c/libnids.c "${CC:-cc}" -std=gnu11
peer libtins bench/c/libtins.cpp "${CXX:-c++}" -std=c++17
exec "$out/bench" -dir "$out" "$@"
