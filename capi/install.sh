#!/bin/sh
# Installs what capi/build.sh made, or takes it away again.
#
#   capi/install.sh PREFIX DESTDIR BUILDDIR [--uninstall]
#
# DESTDIR, which may be empty, is put before PREFIX, which the pkg-config file names.
set -eu

fail() { echo "capi/install.sh: $1" >&2; exit 1; }

uninstall=
n=$#
while [ "$n" -gt 0 ]; do
    case "$1" in
    --uninstall) uninstall=1 ;;
    *) set -- "$@" "$1" ;;
    esac
    shift
    n=$((n - 1))
done
[ $# -eq 3 ] || fail "usage: capi/install.sh PREFIX DESTDIR BUILDDIR [--uninstall]"
prefix=$1 into=$2$1 built=$3
case "$prefix" in /*) ;; *) fail "PREFIX must be an absolute path, and is '$prefix'" ;; esac

capi=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' "$capi/../gofollow/version.go")
documents=$into/share/doc/gofollow
abi=$(sed -n 's/^#define GOFOLLOW_ABI_VERSION \([0-9]*\)$/\1/p' "$capi/gofollow.h")
library=libgofollow.so.$version

if [ "$uninstall" ]; then
    rm -f "$into/lib/$library" "$into/lib/libgofollow.so.$abi" "$into/lib/libgofollow.so" \
        "$into/lib/pkgconfig/gofollow.pc" "$into/include/gofollow.h" \
        "$documents/LICENSE" "$documents/THIRD-PARTY-NOTICES.txt"
    rmdir "$documents" 2>/dev/null || :
    exit
fi

[ -f "$built/$library" ] || fail "there is no $built/$library: run capi/build.sh $built first"
mkdir -p "$into/lib/pkgconfig" "$into/include" "$documents"
# Not written over in place: a running program may have the old one mapped.
rm -f "$into/lib/$library"
cp "$built/$library" "$into/lib/$library"
chmod 755 "$into/lib/$library"
ln -sfn "$library" "$into/lib/libgofollow.so.$abi"
ln -sfn "libgofollow.so.$abi" "$into/lib/libgofollow.so"
cp "$capi/gofollow.h" "$into/include/gofollow.h"
cp "$capi/../LICENSE" "$built/THIRD-PARTY-NOTICES.txt" "$documents"
escaped=$(printf '%s\n' "$prefix" | sed 's/[\\&|]/\\&/g')
sed -e "s|@PREFIX@|$escaped|" -e "s|@VERSION@|$version|" "$capi/gofollow.pc.in" > "$into/lib/pkgconfig/gofollow.pc"
chmod 644 "$documents/LICENSE" "$documents/THIRD-PARTY-NOTICES.txt" "$into/include/gofollow.h" "$into/lib/pkgconfig/gofollow.pc"
