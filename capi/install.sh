#!/bin/sh
# Installs what capi/build.sh made, or takes it away again.
#
#   capi/install.sh BUILDDIR [PREFIX=/usr/local] [LIBDIR=PREFIX/lib] [DESTDIR=] [--uninstall]
#
# DESTDIR is put before every path; the files for pkg-config and CMake name paths without it.
set -eu

fail() { echo "capi/install.sh: $1" >&2; exit 1; }
usage="usage: capi/install.sh BUILDDIR [PREFIX=/usr/local] [LIBDIR=PREFIX/lib] [DESTDIR=] [--uninstall]"

built='' prefix=/usr/local libdir='' destdir='' uninstall=''
for argument in "$@"; do
    case "$argument" in
    PREFIX=*) prefix=${argument#*=} ;;
    LIBDIR=*) libdir=${argument#*=} ;;
    DESTDIR=*) destdir=${argument#*=} ;;
    --uninstall) uninstall=1 ;;
    -*) fail "$usage" ;;
    *) [ -z "$built" ] || fail "$usage"; built=$argument ;;
    esac
done
[ -n "$built" ] || fail "$usage"
prefix=${prefix%/}
[ -n "$libdir" ] || libdir=$prefix/lib
libdir=${libdir%/}
case "$prefix" in /* | '') ;; *) fail "PREFIX must be an absolute path, and is '$prefix'" ;; esac
case "$libdir" in /*) ;; *) fail "LIBDIR must be an absolute path, and is '$libdir'" ;; esac

capi=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' "$capi/../gofollow/version.go")
abi=$(sed -n 's/^#define GOFOLLOW_ABI_VERSION \([0-9]*\)$/\1/p' "$capi/gofollow.h")
library=libgofollow.so.$version
lib=$destdir$libdir
include=$destdir$prefix/include
man=$destdir$prefix/share/man/man3
documents=$destdir$prefix/share/doc/gofollow
functions=$(sed -n 's/^ *\(gofollow_[a-z_0-9]*\);$/\1/p' "$capi/exports.map")

if [ "$uninstall" ]; then
    rm -f "$lib/$library" "$lib/libgofollow.so.$abi" "$lib/libgofollow.so" "$lib/libgofollow.a" "$lib/pkgconfig/gofollow.pc" \
        "$lib/cmake/gofollow/gofollow-config.cmake" "$lib/cmake/gofollow/gofollow-config-version.cmake" \
        "$include/gofollow.h" "$documents/LICENSE" "$documents/THIRD-PARTY-NOTICES.txt" "$documents/gofollow.supp" "$man/gofollow.3"
    for function in $functions; do rm -f "$man/$function.3"; done
    rmdir "$documents" "$lib/cmake/gofollow" 2>/dev/null || :
    exit
fi

for file in "$library" libgofollow.a gofollow.3 THIRD-PARTY-NOTICES.txt; do
    [ -f "$built/$file" ] || fail "there is no $built/$file: run capi/build.sh $built first"
done

# put FILE TARGET [MODE]: copies FILE. Nothing is written over in place: a running program may have the old library mapped.
put() {
    rm -f "$2"
    cp "$1" "$2"
    chmod "${3:-644}" "$2"
}

# fill TEMPLATE TARGET NAME=VALUE...: copies a template with each @NAME@ replaced.
fill() {
    template=$1 target=$2
    shift 2
    set -- "$@" "VERSION=$version" "ABI=$abi" "MAJOR_MINOR=${version%.*}"
    script=
    for pair in "$@"; do
        value=$(printf '%s\n' "${pair#*=}" | sed 's/[\\&|]/\\&/g')
        script="${script}s|@${pair%%=*}@|$value|g;"
    done
    rm -f "$target"
    sed "$script" "$template" > "$target"
    chmod 644 "$target"
}

mkdir -p "$lib/pkgconfig" "$lib/cmake/gofollow" "$include" "$man" "$documents"
put "$built/$library" "$lib/$library" 755
ln -sfn "$library" "$lib/libgofollow.so.$abi"
ln -sfn "libgofollow.so.$abi" "$lib/libgofollow.so"
put "$built/libgofollow.a" "$lib/libgofollow.a"
put "$capi/gofollow.h" "$include/gofollow.h"
put "$built/gofollow.3" "$man/gofollow.3"
for function in $functions; do ln -sfn gofollow.3 "$man/$function.3"; done
for file in "$capi/../LICENSE" "$built/THIRD-PARTY-NOTICES.txt" "$capi/gofollow.supp"; do put "$file" "$documents/${file##*/}"; done

# Below PREFIX, LIBDIR is named relative to it, and PREFIX relative to the file of CMake.
case "$libdir" in
"$prefix"/*)
    from_prefix="\${prefix}/${libdir#"$prefix"/}"
    up=$(printf '%s\n' "${libdir#"$prefix"/}" | sed 's|[^/][^/]*|..|g')
    to_prefix="\${CMAKE_CURRENT_LIST_DIR}/../../$up"
    ;;
*) from_prefix=$libdir to_prefix=$prefix ;;
esac
fill "$capi/gofollow.pc.in" "$lib/pkgconfig/gofollow.pc" "PREFIX=$prefix" "LIBDIR=$from_prefix"
for file in gofollow-config.cmake gofollow-config-version.cmake; do
    fill "$capi/$file.in" "$lib/cmake/gofollow/$file" "PREFIX=$to_prefix"
done
