#!/bin/sh
# Tests the C library as a C program meets it: installed, found by pkg-config.
#
#   tests/c/run.sh BUILDDIR       BUILDDIR is what capi/build.sh filled
#
# SANITIZE=address compiles the C programs with that sanitizer. SEQUENCES=n says how many sequences of
# random calls are tried, from a seed of SEED=n on.
set -u

[ $# -eq 1 ] || { echo "usage: tests/c/run.sh BUILDDIR" >&2; exit 2; }
built=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "failed: $1"; }
expect() { what=$1; shift; if "$@"; then ok; else bad "$what"; fi; }
finish() { echo "$passed passed, $failed failed"; [ "$failed" -eq 0 ]; exit; }

capi/install.sh "$built" "PREFIX=$prefix" || { bad "capi/install.sh"; finish; }
pc=$prefix/lib/pkgconfig/gofollow.pc
if command -v pkg-config >/dev/null; then
    flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs gofollow) || { bad "pkg-config finds gofollow"; finish; }
    version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion gofollow)
else
    flags=$(sed -n -e 's/^Libs: //p' -e 's/^Cflags: //p' "$pc" | sed -e "s|\${libdir}|$prefix/lib|" -e "s|\${includedir}|$prefix/include|" | tr '\n' ' ')
    version=$(sed -n 's/^Version: //p' "$pc")
fi

for program in test_api follow_file feed_packets join_payload small_stack signals random_calls; do
    # shellcheck disable=SC2086
    $cc -std=gnu11 -O1 -g -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} "-DEXPECTED_VERSION=\"$version\"" \
        -o "$work/$program" "tests/c/$program.c" $flags -pthread "-Wl,-rpath,$prefix/lib" || { bad "$program compiles"; finish; }
    ok
done
# The header and its initializers give no warning, whatever the compiler and the language.
cat > "$work/header.c" <<'END'
#include <gofollow.h>
int header (void);
int header (void)
{
    gofollow_config config = GOFOLLOW_CONFIG_INIT;
    gofollow_progress progress = GOFOLLOW_PROGRESS_INIT;
    gofollow_statistics statistics = GOFOLLOW_STATISTICS_INIT;
    config.rst = GOFOLLOW_RST_STRICT;
    return config.size == sizeof config && progress.size == sizeof progress && statistics.size == sizeof statistics && statistics.packets == 0;
}
END
for compiler in "$cc -std=c99" "gcc -std=c99" "clang -std=c99" "${CXX:-c++} -x c++ -std=c++11" "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++11"; do
    if command -v "${compiler%% *}" >/dev/null; then
        # shellcheck disable=SC2086
        expect "no warning of $compiler" $compiler -Wall -Wextra -Wpedantic -Werror "-I$prefix/include" -c -o "$work/header.o" "$work/header.c"
    else
        echo "not tested, there is no ${compiler%% *}: the header is clean with $compiler"
    fi
done

library=$prefix/lib/libgofollow.so
if command -v nm >/dev/null; then
    declared=$(sed -n 's/^[a-z].*[ *]\(gofollow_[a-z_0-9]*\) (.*/\1/p' "$prefix/include/gofollow.h" | sort)
    expect "exactly the header's functions are exported" [ "$(nm -D --defined-only "$library" | awk '{ print $3 }' | sort)" = "$declared" ]
else
    echo "not tested, there is no nm: what is exported"
fi
soname=libgofollow.so.$(sed -n 's/^#define GOFOLLOW_ABI_VERSION //p' "$prefix/include/gofollow.h")
if command -v readelf >/dev/null; then
    # shellcheck disable=SC2016
    expect "the soname is $soname" sh -c 'readelf -d "$1" | grep -qF "soname: [$2]"' - "$library" "$soname"
elif command -v objdump >/dev/null; then
    # shellcheck disable=SC2016
    expect "the soname is $soname" sh -c 'objdump -p "$1" | grep -q "SONAME *$2\$"' - "$library" "$soname"
else
    echo "not tested, there is no readelf: the soname"
fi

notices=$prefix/share/doc/gofollow/THIRD-PARTY-NOTICES.txt
unnamed=
for module in $("${GO:-go}" version -m "$library" | awk '$1 == "dep" { print $2 }'); do
    awk -v "module=$module" '/^==== / { its = $2 == module } its && /[Cc]opyright/ { found = 1 } END { exit !found }' "$notices" || unnamed="$unnamed $module"
done
expect "the notices have the licence of Go" grep -q '^Copyright .* The Go Authors' "$notices"
expect "the notices have the licence of every module that is linked in, but not of:$unnamed" [ -z "$unnamed" ]

"$work/test_api" > "$work/api" 2>&1
status=$?
sed '$d' "$work/api"
counts=$(tail -n 1 "$work/api")
case "$counts" in
*' passed, '*' failed')
    passed=$((passed + ${counts%% *}))
    counts=${counts#*, }
    failed=$((failed + ${counts%% *}))
    ;;
*) echo "$counts"; bad "test_api ends with its counts (exit code $status)" ;;
esac
if [ -n "${SANITIZE-}" ]; then expect "test_api ends well" [ "$status" -eq 0 ]; fi

# A sanitizer takes stack of its own.
if [ -z "${SANITIZE-}" ]; then
    if ! "$work/small_stack" tests/data/several.pcap > "$work/stack" 2>&1; then cat "$work/stack"; bad "a call takes less than 4 KiB of the stack"; else ok; fi
fi
expect "signals are handled during calls" "$work/signals" tests/data/several.pcap 20 > "$work/signals.out"
expect "random calls" "$work/random_calls" tests/data/several.pcap "${SEED:-1}" "${SEQUENCES:-200}" > "$work/random.out"

# What the library is to the process; the program loads it. A sanitizer counts memory otherwise.
if [ -z "${SANITIZE-}" ]; then
    if $cc -std=gnu11 -O1 -g -Wall -Wextra -Werror "-I$prefix/include" -o "$work/host" tests/c/host.c -pthread -ldl; then
        "$work/host" "$prefix/lib/libgofollow.so" tests/data/several.pcap > "$work/host.out" 2> "$work/host.errors"
        status=$?
        grep 'failed:' "$work/host.out"
        expect "the library is a good guest (tests/c/host.c: exit code $status, $(tail -n 1 "$work/host.out"))" [ "$status" -eq 0 ]
    else
        bad "host compiles"
    fi
    if command -v valgrind >/dev/null; then
        expect "valgrind, with the suppressions, finds nothing" valgrind -q --leak-check=full --error-exitcode=9 \
            "--suppressions=$prefix/share/doc/gofollow/gofollow.supp" "$work/join_payload" tests/data/several.pcap > "$work/valgrind.out"
    else
        echo "not tested, there is no valgrind: memory of a C program"
    fi
fi

# compare GOLDEN PROGRAM [ARGUMENT ...]: its output is the golden file, or it
# exits with 77, which says that the file is not for it.
compare() {
    golden=$1
    shift
    program=$1
    shift
    "$work/$program" "$@" > "$work/log" 2> "$work/errors"
    status=$?
    [ "$status" -eq 77 ] && return
    if [ "$status" -eq 0 ] && cmp -s "$work/log" "$golden"; then ok; return; fi
    bad "$program $*: exit code $status, $(cmp "$work/log" "$golden" 2>&1) $(head -c 300 "$work/errors")"
}

goldens=0
for capture in tests/data/*.pcap*; do
    name=${capture##*/}
    golden=tests/data/${name%%.pcap*}.events
    [ -f "$golden" ] || continue
    goldens=$((goldens + 1))
    for n in 1 7 256 0; do compare "$golden" follow_file "$capture" $n; done
    for n in 1 7 256; do compare "$golden" feed_packets "$capture" --batch $n; done
    for n in 1 7 61 4096; do compare "$golden" feed_packets "$capture" --bytes $n; done
    # The third number of a closed connection's counters is the bytes of that side.
    sed -n 's/^closed \([0-9]*\) .*client=[0-9]*,[0-9]*,\([0-9]*\),.*server=[0-9]*,[0-9]*,\([0-9]*\),.*/\1 \2 \3/p' "$golden" > "$work/lengths"
    compare "$work/lengths" join_payload "$capture"
done
expect "tests/data has event logs to compare with" [ "$goldens" -gt 0 ]

# Captures that were followed wrongly once: what C gives is what Go gives, which a Go test checks.
faults=../shared/faults
if [ -d "$faults" ]; then
    "${GO:-go}" build -o "$work/eventlog" ./tools/eventlog || bad "tools/eventlog compiles"
    for capture in "$faults"/*.pcap; do
        "$work/eventlog" "$capture" > "$work/golden"
        expect "$capture has events" [ -s "$work/golden" ]
        compare "$work/golden" follow_file "$capture" 0
    done
else
    echo "not tested, $faults is not there: captures that were followed wrongly once"
fi

capi/install.sh "$built" "PREFIX=$prefix" --uninstall
expect "uninstalling leaves no file" [ -z "$(find "$prefix" ! -type d 2>/dev/null)" ]
finish
