#!/bin/bash
# Runs every fuzz target of the Go packages for a while each.
#
#     tools/fuzz.sh [TIME]      as go test -fuzztime takes it: 20s, 1000x
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}

found=0
while read -r package; do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        found=$((found + 1))
        echo "$package $target"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$package"
    done
done < <(go list ./gofollow/...)
echo "fuzz: $found targets, $time each, nothing found"
