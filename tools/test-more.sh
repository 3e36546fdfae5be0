#!/bin/bash
# The tests that need more than `make test`. A part whose tool is not there is named and passed over.
#
#     tools/test-more.sh LIBRARY_FOLDER VENV
set -uo pipefail
cd "$(dirname "$0")/.." || exit
library=$1
venv=$2

failed=()
absent=()

part() { # NAME COMMAND...
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

if [ "$(go env CGO_ENABLED)" = 1 ]; then
    # The engine itself has one goroutine: fewer random captures do.
    part "race detector" env GOFOLLOW_RUNS=100 go test -race -short ./gofollow/...
else
    absent+=("race detector: cgo is switched off")
fi

if ! command -v clang >/dev/null && ! command -v gcc >/dev/null; then
    absent+=("address sanitizer: neither clang nor gcc is there")
else
    part "address sanitizer" tests/c/asan.sh "$library"
    part "injected faults" tests/c/faults.sh "$library"
fi

if [ -x build/release/bin/python ]; then
    part "compiled for Windows and macOS" capi/cross.sh build/cross "$PWD/build/release/bin/python" -m ziglang
else
    absent+=("compiled for Windows and macOS: there is no zig (make wheels installs it)")
fi

if [ "$("$venv/bin/python" -c 'import gofollow; print(gofollow.core)')" != compiled ]; then
    absent+=("compiled core under the address sanitizer: it is not compiled here")
elif ! command -v gcc >/dev/null; then
    absent+=("compiled core under the address sanitizer: gcc is not there")
else
    part "compiled core under the address sanitizer" tools/core-sanitized.sh "$venv"
fi

if command -v tshark >/dev/null; then
    part "comparison with tshark" "$venv/bin/python" tools/compare_tshark.py
    part "comparison of encapsulations with tshark" "$venv/bin/python" tools/compare_tshark.py --encapsulated
else
    absent+=("comparison with tshark: tshark is not there (tools/packages.txt)")
fi

if [ "$(id -u)" = 0 ]; then
    part "1 GB over loopback, followed live" "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/python/download_over_loopback.py
else
    absent+=("1 GB over loopback, followed live: capturing needs root")
fi

if ! "$venv/bin/python" -c 'import ipykernel, nbclient' 2>/dev/null; then
    absent+=("a notebook: $venv/bin/python -m pip install nbclient ipykernel")
else
    part "a notebook" "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/python/follow_in_notebook.py
fi

if ! chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome); then
    absent+=("the report in a browser: Chromium is not there (tools/packages.txt)")
elif ! "$venv/bin/python" -c 'import playwright' 2>/dev/null; then
    absent+=("the report in a browser: $venv/bin/python -m pip install playwright")
else
    part "the report in a browser" "$venv/bin/python" tests/python/report_in_browser.py "$chromium"
fi

if ! command -v java >/dev/null && [ ! -x "${JAVA_HOME:-}/bin/java" ]; then
    absent+=("tables made by Spark: Java is not there (tools/packages.txt)")
elif ! "$venv/bin/python" -c 'import pyspark' 2>/dev/null; then
    absent+=("tables made by Spark: pyspark is not there ($venv/bin/python -m pip install 'pyspark[sql]>=4')")
else
    part "tables made by Spark" "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/python/follow_on_spark.py
fi

for reason in "${absent[@]}"; do echo "not run: $reason"; done
for name in "${failed[@]}"; do echo "failed: $name"; done
[ "${#failed[@]}" = 0 ]
