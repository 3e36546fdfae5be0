#!/bin/sh
# Builds the C library.
#
#   capi/build.sh OUTDIR          OUTDIR/libgofollow.so.VERSION and its two links, the static archive and the manual page
#   capi/build.sh --plain FILE    one file alone: the shared library, for a Python package, or the static archive if FILE ends in .a
#
# Beside the library stands THIRD-PARTY-NOTICES.txt, which has to go wherever that goes.
#
# GO and CC choose the compilers, GOOS and GOARCH the system and the processor; CC has to fit them. GOTAGS are build tags (tests of faults).
# The same sources, compilers and commit give the same bytes.
set -eu

fail() { echo "capi/build.sh: $1" >&2; exit 1; }
usage() { fail "usage: capi/build.sh OUTDIR | capi/build.sh --plain FILE"; }

plain=
case "${1-}" in
--plain) plain=1; [ $# -eq 2 ] || usage; target=$2 ;;
''|-*) usage ;;
*) [ $# -eq 1 ] || usage; target=$1 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
go=${GO:-go}
command -v "$go" >/dev/null || fail "there is no Go compiler '$go' on PATH: install Go 1.24 or later, or set GO"
case $(cd / && "$go" env GOVERSION) in
go1.[0-9] | go1.[0-9].* | go1.1[0-9] | go1.1[0-9].* | go1.2[0-3] | go1.2[0-3].*) fail "Go 1.24 or later is needed, and '$go' is $(cd / && "$go" env GOVERSION)" ;;
esac
cc=${CC-}
for candidate in "$(cd / && "$go" env CC)" gcc cc clang; do
    if [ -z "$cc" ] && command -v "${candidate%% *}" >/dev/null; then cc=$candidate; fi
done
[ -n "$cc" ] || fail "there is no C compiler (gcc, cc or clang) on PATH: install one, or set CC"
command -v "${cc%% *}" >/dev/null || fail "there is no C compiler '${cc%% *}' on PATH: install it, or set CC to another"
# Go's run time takes its arguments from the loader and uses initial-exec TLS, and musl has neither for what is opened later.
case $($cc -dumpmachine 2>/dev/null || :) in
*musl*) fail "a Go shared library cannot be loaded on musl, so there is no gofollow for it: use a system with glibc, such as Debian" ;;
esac

version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' "$root/gofollow/version.go")
[ -n "$version" ] || fail "gofollow/version.go has no line: const Version = \"...\""
abi=$(sed -n 's/^#define GOFOLLOW_ABI_VERSION \([0-9]*\)$/\1/p' "$root/capi/gofollow.h")
[ -n "$abi" ] || fail "capi/gofollow.h does not define GOFOLLOW_ABI_VERSION"

# What gofollow_build_info says: the commit, "+" if tracked files differ from it. A source distribution has it in a file.
commit=unknown
if [ -e "$root/.git" ] && command -v git >/dev/null && commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null); then
    [ -z "$(git -C "$root" status --porcelain --untracked-files=no 2>/dev/null)" ] || commit=$commit+
elif [ -f "$root/COMMIT" ]; then
    commit=$(cat "$root/COMMIT")
fi
info="gofollow $version (commit $commit, $(cd "$root" && "$go" env GOVERSION), $("$go" env GOOS)/$("$go" env GOARCH))"

# The target's own folder, so that the last step is a rename: a program that has
# the old library mapped keeps it.
if [ "$plain" ]; then folder=$(dirname "$target"); else folder=$target; fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d "$folder/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# compile MODE FILE LDFLAGS
compile() {
    (
        cd "$root"
        CGO_ENABLED=1 CC="$cc" CGO_CFLAGS="${CGO_CFLAGS:--O2 -g} -DGOFOLLOW_VERSION=$version '-DGOFOLLOW_BUILD=\"$info\"'" \
            "$go" build -buildmode="$1" -buildvcs=false -trimpath -pgo="$root/capi/library.pgo" -tags "netgo,osusergo,${GOTAGS-}" -ldflags "-s -w -buildid= $3" -o "$2" ./capi
    ) || fail "the Go compiler failed, its messages stand above"
}
case $("$go" env GOOS) in
linux) shared="\"-extldflags=-Wl,-soname,libgofollow.so.$abi '-Wl,--version-script=$root/capi/exports.map'\"" ;;
windows)
    # Without this list a DLL exports Go's functions alone.
    { echo EXPORTS; sed -n 's/^ *\(gofollow_[a-z_0-9]*\);$/    \1/p' "$root/capi/exports.map"; } > "$work/gofollow.def"
    shared="-extldflags=$work/gofollow.def"
    ;;
darwin) shared="-extldflags=-Wl,-install_name,@rpath/libgofollow.so.$abi" ;;
*) shared= ;;
esac
case "$plain$target" in
1*.a) compile c-archive "$work/libgofollow.so" "" ;;
*) compile c-shared "$work/libgofollow.so" "$shared" ;;
esac
if [ -z "$plain" ]; then
    compile c-archive "$work/libgofollow.a" ""
    "$root/capi/manpage.sh" "$version" > "$work/gofollow.3"
fi

GO="$go" CGO_ENABLED=1 "$root/capi/notices.sh" > "$work/notices" || fail "capi/notices.sh failed, its messages stand above"
mv -f "$work/notices" "$folder/THIRD-PARTY-NOTICES.txt"
if [ "$plain" ]; then
    mv -f "$work/libgofollow.so" "$folder/$(basename "$target")"
else
    mv -f "$work/libgofollow.so" "$folder/libgofollow.so.$version"
    if [ "$version" != "$abi" ]; then ln -sfn "libgofollow.so.$version" "$folder/libgofollow.so.$abi"; fi
    ln -sfn "libgofollow.so.$abi" "$folder/libgofollow.so"
    mv -f "$work/libgofollow.a" "$work/gofollow.3" "$folder"
fi
