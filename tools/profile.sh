#!/bin/bash
# Makes capi/library.pgo, which tells the Go compiler what to inline in the C library: a CPU
# profile of the engine following three of the benchmark's workloads. It does not have to be
# fresh: what it says of functions that are gone is ignored.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p build/bench
go build -o build/bench/generate ./bench/generate
go build -trimpath -o "$work/gofollow" ./bench/go/gofollow # paths of this machine do not belong into the profile
build/bench/generate -dir build/bench bulk web messy
for workload in bulk web messy; do
    "$work/gofollow" -profile "$work/$workload" "build/bench/$workload.pcap"
done
go tool pprof -proto "$work/bulk" "$work/web" "$work/messy" >"$work/merged"
mv "$work/merged" capi/library.pgo
