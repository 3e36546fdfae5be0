#!/bin/sh
# Prints the manual page gofollow(3), made from gofollow.h: its first comment is the description, the
# comment before a function describes that, everything else stands there as it is in the header.
#
#   capi/manpage.sh VERSION
set -eu

awk -v version="${1:?usage: capi/manpage.sh VERSION}" '
function escaped(line) {
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    gsub(/^[.'\'']/, "\\\\\\&&", line)
    return line
}
# prose prints a comment: paragraphs, their titles ("Threads. ...") as headings if titles is set, lines indented further as they are.
function prose(comment, titles,    n, lines, i, line, verbatim, title) {
    n = split(comment, lines, "\n")
    verbatim = 0
    for (i = 1; i <= n; i++) {
        line = lines[i]
        if (line ~ /^    / && !verbatim) { print ".PP\n.in +4n\n.EX"; verbatim = 1 }
        if (line !~ /^    / && line != "" && verbatim) { print ".EE\n.in"; verbatim = 0 }
        if (line == "") { print verbatim ? "" : ".PP"; continue }
        if (verbatim) { print escaped(substr(line, 5)); continue }
        if (titles && lines[i - 1] == "" && match(line, /^[A-Z][a-z]+( [a-z]+)*\. /)) {
            title = substr(line, 1, RLENGTH - 2)
            print ".SS \"" title "\""
            line = substr(line, RLENGTH + 1)
        }
        print escaped(line)
    }
    if (verbatim) print ".EE\n.in"
}
function finish() {
    if (code == "" && comment == "") return
    if (seen++ == 0) description = comment                     # what the file is
    else if (code ~ /^(int|const char \*|uint32_t)[ *]*gofollow_[a-z_0-9]+ \(/) {
        prototypes = prototypes code
        functions[++count] = code
        about[count] = comment
    } else if (code !~ /^#(ifndef|ifdef|endif|include)/ && code !~ /^(extern|})/ ) types = types raw "\n"
    comment = code = raw = ""
}
/^\/\*/ { inside = 1; finish() }
inside {
    line = $0
    raw = raw line "\n"
    if (line ~ /\*\/$/) inside = 0
    sub(/^\/\* ?|^ \*\/|^ \* ?/, "", line)
    sub(/ *\*\/$/, "", line)
    comment = comment line "\n"
    next
}
/^$/ { finish(); next }
{ code = code $0 "\n"; raw = raw $0 "\n" }
END {
    finish()
    print ".\\\" Made from gofollow.h by capi/manpage.sh."
    print ".nr HY 0"   # names of functions are not hyphenated
    print ".TH GOFOLLOW 3 \"\" \"gofollow " version "\" \"Library Functions Manual\""
    sub(/^gofollow: /, "", description)
    first = description
    sub(/\n.*/, "", first)
    sub(/\.$/, "", first)
    sub(/^[^\n]*\n/, "", description)
    print ".SH NAME\ngofollow \\- " escaped(first)
    print ".SH SYNOPSIS\n.nf\n.B #include <gofollow.h>\n.PP"
    print escaped(prototypes) ".fi\n.PP\nCompile and link with\n.PP\n.in +4n\n.EX"
    print "cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs gofollow)\n.EE\n.in"
    print ".SH DESCRIPTION"
    prose(description, 1)
    print ".SH FUNCTIONS"
    for (i = 1; i <= count; i++) {
        name = functions[i]
        sub(/ \(.*/, "", name)
        sub(/.*[ *]/, "", name)
        print ".SS " name
        print ".nf\n" escaped(functions[i]) ".fi\n.PP"
        prose(about[i], 0)
    }
    print ".SH \"TYPES AND CONSTANTS\"\n.EX"
    print escaped(types)
    print ".EE\n.SH SEE ALSO\n.BR pcap (3PCAP),\n.BR pkg\\-config (1)"
}' "$(dirname "$0")/gofollow.h" | awk '
# A blank line ends a paragraph by itself; two requests for it in a row are one.
{ if ($0 == ".PP" && last == ".PP") next; if ($0 != "") last = $0; print }'
