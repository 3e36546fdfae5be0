#!/bin/sh
# tests/c/run.sh with the C sources, of the library and of the tests, under AddressSanitizer and
# UndefinedBehaviorSanitizer. malloc and free of the library are the sanitizer's, so leaks and double
# frees of event bytes show; Go's own memory is not looked at.
#
#   tests/c/asan.sh BUILDDIR         the library with sanitizers is put into BUILDDIR/asan
set -eu
[ $# -eq 1 ] || { echo "usage: tests/c/asan.sh BUILDDIR" >&2; exit 2; }
here=$(dirname "$0")
sanitizers=address,undefined
CGO_CFLAGS="-O1 -g -fsanitize=$sanitizers -fno-sanitize-recover=undefined" CGO_LDFLAGS="-fsanitize=$sanitizers" "$here/../../capi/build.sh" "$1/asan"
SANITIZE=$sanitizers ASAN_OPTIONS=detect_leaks=${DETECT_LEAKS:-1} UBSAN_OPTIONS=halt_on_error=1 exec "$here/run.sh" "$1/asan"
