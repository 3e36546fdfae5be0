#!/bin/sh
# Compiles the C sources and the header with every warning an error, which cannot
# be asked of the code that cgo generates.
set -eu
cd "$(dirname "$0")"
cc=${CC:-cc}
for source in *.c; do
    $cc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Werror -O2 -c -o /dev/null "$source"
done
# For other systems, where zig is there (make wheels installs it).
zig=../build/release/bin/python
for target in x86_64-windows-gnu aarch64-linux-gnu.2.17 aarch64-macos; do
    [ -x "$zig" ] || { echo "capi/lint.sh: not compiled for $target, for there is no zig (make wheels)"; continue; }
    for source in *.c; do
        "$zig" -m ziglang cc -target $target -std=c99 -Wall -Wextra -Wpedantic -Werror -O2 -c -o "${TMPDIR:-/tmp}/gofollow-lint-$$.o" "$source"
    done
    rm -f "${TMPDIR:-/tmp}/gofollow-lint-$$.o"
done
echo '#include "gofollow.h"' | $cc -std=c99 -Wall -Wextra -pedantic -Werror -I. -x c -c -o /dev/null -
if command -v "${CXX:-c++}" >/dev/null; then
    echo '#include "gofollow.h"' | ${CXX:-c++} -Wall -Wextra -pedantic -Werror -I. -x c++ -c -o /dev/null -
fi
# The list of what is exported is the list of what is declared.
declared=$(sed -n 's/^[a-z].*[ *]\(gofollow_[a-z_0-9]*\) (.*/\1/p' gofollow.h | sort)
exported=$(sed -n 's/^ *\(gofollow_[a-z_0-9]*\);/\1/p' exports.map | sort)
[ "$declared" = "$exported" ] || { echo "capi/lint.sh: exports.map does not list what gofollow.h declares" >&2; exit 1; }
