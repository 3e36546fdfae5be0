#!/bin/sh
# Prints the licences of what the library is made of besides gofollow: Go's run time
# and standard library, and every module that is linked in. They ask to be with
# every copy of a program that contains them.
#
#   GO=COMPILER capi/notices.sh
set -eu

go=${GO:-go}
cd "$(dirname "$0")/.."
goroot=$("$go" env GOROOT)
tab=$(printf '\t')

# licences FOLDER ROOT: the files in FOLDER and in what it lies in, up to ROOT.
licences() {
    folder=$1
    while [ -n "$folder" ]; do
        for file in "$folder"/LICEN[CS]E* "$folder"/COPYING* "$folder"/NOTICE* "$folder"/PATENTS*; do
            if [ -f "$file" ]; then printf '%s\n' "$file"; fi
        done
        [ "$folder" != "$2" ] || break
        folder=${folder%/*}
    done
}

# section NAME: what the files say whose names are on standard input.
section() {
    printf '\n==== %s\n' "$1"
    found=
    while IFS= read -r file; do
        found=1
        printf '\n'
        cat "$file"
    done
    if [ -z "$found" ]; then
        printf '\nThe text of its licence was not found where this was built.\n'
        echo "capi/notices.sh: no licence of $1 was found: add it to the notices before you pass the library on" >&2
    fi
}

packages=$("$go" list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{else}}std{{end}}{{"\t"}}{{.ImportPath}}{{"\t"}}{{.Dir}}' ./capi)

echo 'libgofollow contains gofollow and what is listed here, each under its own licence.'

# Debian keeps the compiler's licence elsewhere than the compiler.
{
    licences "$goroot" "$goroot"
    printf '%s\n' "$packages" | while IFS=$tab read -r module package folder; do
        case $module$package in stdvendor/*) licences "$folder" "$goroot" ;; esac
    done
    find "/usr/share/doc/golang-${goroot##*/go-}-go/copyright" 2>/dev/null || :
} | sort -u | section "Go $("$go" env GOVERSION | sed 's/^go//'): run time and standard library"

printf '%s\n' "$packages" | cut -f 1 | grep ' ' | sort -u | while IFS= read -r module; do
    printf '%s\n' "$packages" | while IFS=$tab read -r of package folder; do
        [ "$of" = "$module" ] || continue
        below=${package#"${module% *}"}
        licences "$folder" "${folder%"$below"}"
    done | sort -u | section "$module"
done
