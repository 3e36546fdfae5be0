#!/bin/sh
# Tests what `make install` puts where, and programs outside of the source tree that find it: with
# pkg-config, with CMake, with the static archive; the examples, and the README's C section to the letter.
#
#   tests/c/installed.sh BUILDDIR       BUILDDIR is what capi/build.sh filled
# shellcheck disable=SC2016,SC2086,SC2013
set -u

[ $# -eq 1 ] || { echo "usage: tests/c/installed.sh BUILDDIR" >&2; exit 2; }
built=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
source=$(pwd)
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "failed: $1"; }
expect() { what=$1; shift; if "$@" > "$work/output" 2>&1; then ok; else bad "$what"; head -c 2000 "$work/output"; fi; }
there() { command -v "$1" >/dev/null || { echo "not tested, there is no $1: $2"; return 1; }; }
files() { (cd "$1" && find . ! -type d | sort); }

# DESTDIR and LIBDIR: everything below DESTDIR, and the paths without it in the files.
expect "installing into DESTDIR" capi/install.sh "$built" PREFIX=/opt/gofollow LIBDIR=/opt/gofollow/lib/there "DESTDIR=$work/stage"
pc=$work/stage/opt/gofollow/lib/there/pkgconfig/gofollow.pc
expect "gofollow.pc names PREFIX" grep -qx 'prefix=/opt/gofollow' "$pc"
# shellcheck disable=SC2016
expect "gofollow.pc names LIBDIR" grep -qx 'libdir=${prefix}/lib/there' "$pc"
expect "the links lead to the library" sh -c 'cmp "$1/libgofollow.so" "$2"/libgofollow.so.*.*.*' - "$work/stage/opt/gofollow/lib/there" "$built"
expect "no file names DESTDIR" sh -c '! grep -rq "$1" "$1/opt/gofollow/lib/there/pkgconfig" "$1/opt/gofollow/lib/there/cmake"' - "$work/stage"
expect "uninstalling from DESTDIR" capi/install.sh "$built" PREFIX=/opt/gofollow LIBDIR=/opt/gofollow/lib/there "DESTDIR=$work/stage" --uninstall
expect "uninstalling leaves no file" [ -z "$(files "$work/stage")" ]
for wrong in PREFIX=relative LIBDIR=relative --unknown; do
    expect "$wrong is refused" sh -c '! capi/install.sh "$1" "DESTDIR=$2" "$3"' - "$built" "$work/stage" "$wrong"
done

# A tree of its own, with the library beside the default place.
prefix=$work/installed
expect "installing" capi/install.sh "$built" "PREFIX=$prefix" "LIBDIR=$prefix/lib/there"
mv "$prefix" "$work/moved"              # CMake's package can be moved
prefix=$work/moved
lib=$prefix/lib/there
expect "the library has the mode of a library" [ -x "$lib/libgofollow.so" ]
for document in LICENSE THIRD-PARTY-NOTICES.txt gofollow.supp; do expect "$document is installed" [ -s "$prefix/share/doc/gofollow/$document" ]; done
for function in $(sed -n 's/^[a-z].*[ *]\(gofollow_[a-z_0-9]*\) (.*/\1/p' "$prefix/include/gofollow.h"); do
    expect "$function has a manual page that is about it" grep -q "^\.SS $function\$" "$prefix/share/man/man3/$function.3"
done
if there mandoc "the manual page is well-formed"; then
    expect "the manual page is well-formed" mandoc -T lint -W error "$prefix/share/man/man3/gofollow.3"
fi

# What the examples have to write: each direction's bytes, which the event log counts.
lengths() { # EVENTS
    sed -n 's/^closed \([0-9]*\) .*client=[0-9]*,[0-9]*,\([0-9]*\),.*server=[0-9]*,[0-9]*,\([0-9]*\),.*/\1.client \2\n\1.server \3/p' "$1" | sort
}
check_streams() { # PROGRAM
    for name in several half_close lossy; do
        mkdir -p "$work/streams"
        rm -f "$work/streams"/*
        "$1" "tests/data/$name.pcap" "$work/streams" || return
        (cd "$work/streams" && wc -c -- * | sed -n 's/^ *\([0-9]*\) \([0-9].*\)/\2 \1/p' | sort) > "$work/lengths"
        lengths "tests/data/$name.events" | cmp - "$work/lengths" || return
    done
    ! "$1" "$0" "$work/streams" && ! "$1" "$work/no such file" "$work/streams"
}
check_parallel() { # PROGRAM
    "$1" tests/data/several.pcap tests/data/lossy.pcap tests/data/ipv6.pcap > "$work/parallel" || return
    [ "$(wc -l < "$work/parallel")" -eq 3 ] && [ "$(sed -n 's/.*several.pcap: \([0-9]*\) connections.*/\1/p' "$work/parallel")" = \
        "$(grep -c ^closed tests/data/several.events)" ] && ! "$1" tests/data/several.pcap "$0" > "$work/parallel" && grep -q 'README\|capture' "$work/parallel"
}
check_live() { # PROGRAM
    [ "$("$1" -r tests/data/several.pcap | grep -c ' -> ')" = "$(grep -c ^closed tests/data/several.events)" ] && ! "$1" -r "$0" && ! "$1"
}

if there cmake "the examples, with CMake"; then
    mkdir "$work/examples"
    cp examples/c/* "$work/examples"
    expect "CMake finds gofollow" cmake -S "$work/examples" -B "$work/examples/build" "-DCMAKE_PREFIX_PATH=$prefix" "-Dgofollow_DIR=$lib/cmake/gofollow" \
        "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror" "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror"
    expect "CMake builds the examples" cmake --build "$work/examples/build"
    expect "streams_to_files" check_streams "$work/examples/build/streams_to_files"
    expect "streams_to_files, with the static archive" check_streams "$work/examples/build/streams_to_files_static"
    expect "parallel" check_parallel "$work/examples/build/parallel"
    if [ -x "$work/examples/build/live" ]; then
        expect "live, from a file" check_live "$work/examples/build/live"
        if [ "$(id -u)" = 0 ]; then
            # From an interface: the signal ends it, whatever it captured.
            expect "live, from an interface" sh -c 'timeout --preserve-status -s INT 2 "$1" -i lo' - "$work/examples/build/live"
        else
            echo "not tested, capturing needs root: the example live with an interface"
        fi
    else
        echo "not tested, there is no libpcap: the example live"
    fi
    expect "a program that is asked for another version does not find it" sh -c \
        'cp -r "$1/examples" "$1/other" && rm -rf "$1/other/build" && sed -i "s/find_package (gofollow 0.1/find_package (gofollow 7.1/" "$1/other/CMakeLists.txt" &&
         ! cmake -S "$1/other" -B "$1/other/build" "-Dgofollow_DIR=$2/cmake/gofollow"' - "$work" "$lib"
fi
expect "the first example has less than 80 lines" [ "$(wc -l < examples/c/streams_to_files.c)" -lt 80 ]

# pkg-config, whose files name PREFIX.
prefix=$work/installed
expect "installing again" capi/install.sh "$built" "PREFIX=$prefix"
if there pkg-config "a program that pkg-config finds the library for"; then
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046
    expect "pkg-config: shared" $cc -o "$work/shared" examples/c/streams_to_files.c $(pkg-config --cflags --libs gofollow) "-Wl,-rpath,$prefix/lib"
    expect "the shared one runs" check_streams "$work/shared"
    # shellcheck disable=SC2046
    expect "pkg-config: archive" $cc -o "$work/archive" examples/c/streams_to_files.c $(pkg-config --cflags gofollow) \
        "$(pkg-config --variable=libdir gofollow)/libgofollow.a" $(pkg-config --static --libs-only-other gofollow)
    expect "the one with the archive runs" check_streams "$work/archive"
    if echo 'int main (void) { return 0; }' | $cc -static -x c -o "$work/static" - 2>/dev/null; then
        # shellcheck disable=SC2046
        expect "pkg-config --static" $cc -static -o "$work/static" examples/c/streams_to_files.c $(pkg-config --static --cflags --libs gofollow)
        expect "the static one runs" check_streams "$work/static"
    else
        echo "not tested, the C library has no static form here: a static program"
    fi
fi

# The README: its program and its commands in an empty folder, installed where it installs.
section() { awk '/^\*\*C\*\*/ { on = 1; next } /^\*\*/ { on = 0 } on' README.md; }
section | sed -n '/^```c$/,/^```$/p' | sed '1d;$d' > "$work/first.c"
section | sed -n '/^```cmake$/,/^```$/p' | sed '1d;$d' > "$work/CMakeLists.txt"
section | sed -n -e 's/^    \(export PKG_CONFIG_PATH=.*\)/\1/p' -e 's/^    \(cc .*\)/\1/p' > "$work/pkg-config.sh"
section | sed -n 's/^    \(cmake .*\)/\1/p' > "$work/cmake.sh"
expect "the README installs to HOME/.local" sh -c 'grep -qx "    make install PREFIX=.HOME/.local" README.md'
sed "s|tests/data/|$source/tests/data/|" "$work/first.c" > "$work/first" && mv "$work/first" "$work/first.c"
expect "the README has a C program and commands" [ -s "$work/first.c" ]
export HOME="$work/home"
mkdir -p "$HOME"
expect "installing where the README does" capi/install.sh "$built" "PREFIX=$HOME/.local"
for way in pkg-config cmake; do
    there $way "the README's C section, with $way" || continue
    mkdir "$work/empty.$way"
    cp "$work/first.c" "$work/empty.$way"
    if [ $way = cmake ]; then cp "$work/CMakeLists.txt" "$work/empty.$way"; fi
    expect "the README's commands for $way" [ -s "$work/$way.sh" ]
    expect "the README's C section, with $way" sh -c 'cd "$1" && . "$2" && true' - "$work/empty.$way" "$work/$way.sh"
    cp "$work/output" "$work/printed"
    expect "what it prints is the download" grep -aq 'HTTP/1' "$work/printed"
done
for tree in "$HOME/.local" "$work/installed"; do
    capi/install.sh "$built" "PREFIX=$tree" --uninstall
    expect "uninstalling leaves no file in $tree" [ -z "$(files "$tree")" ]
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
