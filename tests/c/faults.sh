#!/bin/sh
# Panics inside of the library, in a build that has them (tag gofollow_faults): one handle is poisoned, the process goes on.
#
#   tests/c/faults.sh BUILDDIR         the library is put into BUILDDIR/faults
set -eu
[ $# -eq 1 ] || { echo "usage: tests/c/faults.sh BUILDDIR" >&2; exit 2; }
cd "$(dirname "$0")/../.."
mkdir -p "$1/faults"
folder=$(cd "$1/faults" && pwd)
GOTAGS=gofollow_faults capi/build.sh --plain "$folder/libgofollow.so"
${CC:-cc} -std=gnu11 -O1 -g -Wall -Wextra -Werror -Icapi -o "$folder/faults" tests/c/faults.c "-L$folder" -lgofollow "-Wl,-rpath,$folder"
ln -sf libgofollow.so "$folder/libgofollow.so.$(sed -n 's/^#define GOFOLLOW_ABI_VERSION //p' capi/gofollow.h)"
GOFOLLOW_FAULT_FILE=$folder/fault "$folder/faults" tests/data/several.pcap tests/data/compressed.pcap.gz
echo "1 passed, 0 failed"
