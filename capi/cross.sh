#!/bin/sh
# Compiles the C library for Windows and macOS on Linux, as far as zig reaches: a DLL for Windows, and static archives for
# macOS, where linking needs files of Apple's. Nothing of it is run.
#
#   capi/cross.sh OUTDIR ZIG...       ZIG is a command, such as: python -m ziglang
set -eu
[ $# -ge 2 ] || { echo "usage: capi/cross.sh OUTDIR ZIG..." >&2; exit 2; }
out=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
GOOS=windows GOARCH=amd64 CC="$* cc -target x86_64-windows-gnu" "$root/capi/build.sh" --plain "$out/windows-amd64/gofollow.dll"
if command -v objdump >/dev/null; then
    sed -n 's/^ *\(gofollow_[a-z_0-9]*\);$/\1/p' "$root/capi/exports.map" | while read -r function; do
        objdump -p "$out/windows-amd64/gofollow.dll" | grep -q "] $function\$" || { echo "capi/cross.sh: the DLL does not export $function" >&2; exit 1; }
    done
fi
GOOS=darwin GOARCH=amd64 CC="$* cc -target x86_64-macos" "$root/capi/build.sh" --plain "$out/darwin-amd64/libgofollow.a"
GOOS=darwin GOARCH=arm64 CC="$* cc -target aarch64-macos" "$root/capi/build.sh" --plain "$out/darwin-arm64/libgofollow.a"
