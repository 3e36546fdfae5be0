#!/bin/bash
# Runs every fuzz target of the Go packages for a while each.
#
#     tools/fuzz.sh [TIME]      as go test -fuzztime takes it: 20s, 1000x
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
found=0
while read -r package; do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        found=$((found + 1))
        echo "$package $target"
        if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$package" 2>&1 | tee "$log"; then
            # The end of the time can reach Go's own coordinator as an error (go.dev/issue/75804, mended in Go 1.27).
            # What a target finds is always written to a file.
            grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log" || exit 1
            echo "$target: its time is up, which this version of Go calls a failure"
        fi
    done
done < <(go list ./gofollow/...)
echo "fuzz: $found targets, $time each, nothing found"
