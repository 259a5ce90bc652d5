#!/bin/sh
# usage: kernel_symbols.sh NM TIER OBJECT...
#
# Objects compiled for an instruction tier may define only names that end in _TIER. A helper of another name would
# exist once per tier, the linker would keep whichever came first, and older CPUs could meet the newer one's
# instructions. Data and weak symbols count too.
set -eu
nm=$1
tier=$2
shift 2
names=$("$nm" --defined-only --extern-only --format=posix "$@" | sed -n 's/^\([^ ]*\) [A-Zuvw] .*/\1/p')
if [ -z "$names" ]; then
    echo "no symbols in $# objects of tier $tier: wanted at least one kernel"
    exit 1
fi
# Sanitizers and coverage add their own.
if printf '%s\n' "$names" | grep -v -E "_$tier\$|^__(asan|odr_asan|tsan|ubsan|gcov|llvm)"; then
    echo "names above are defined by objects of tier $tier without its suffix; make them static inline"
    exit 1
fi
echo "$(printf '%s\n' "$names" | wc -l) symbols of tier $tier, all with its suffix"
