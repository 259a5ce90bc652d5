#!/bin/sh
# usage: symbols.sh NM READELF LIBRARY HEADER LIST
#
# What libconvzoo exports is a promise: the shared library, the public header and the kept list must name the same
# functions. A name that appears by accident, or goes, changes the list on purpose or not at all.
set -eu
nm=$1 readelf=$2 library=$3 header=$4 list=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Sanitizers and coverage add their own.
"$nm" -D --defined-only --format=posix "$library" | sed 's/ .*//' | grep -v -E '^__|^_init$|^_fini$' | sort >"$dir/library"
tr '\n' ' ' <"$header" | grep -o 'CZ_API [^;]*(' | grep -o 'cz_[a-z_]* *(' | tr -d ' (' | sort -u >"$dir/header"
status=0
for what in library header; do
    if ! diff -u --label kept-list --label "$what" "$list" "$dir/$what"; then
        echo "the $what and $list name different functions"
        status=1
    fi
done
if ! "$readelf" -d "$library" | grep -q 'SONAME.*\[libconvzoo\.so\.[0-9]*\]'; then
    echo "$library: no soname libconvzoo.so.N"
    status=1
fi
exit $status
