#!/bin/sh
# tests/c/run.sh with the C programs and the library's C memory under AddressSanitizer.
# malloc and free of the library are the sanitizer's, so leaks and double frees of
# event bytes show; Go's own memory is not looked at.
SANITIZE=address ASAN_OPTIONS=detect_leaks=${DETECT_LEAKS:-1} exec "$(dirname "$0")/run.sh" "$@"
