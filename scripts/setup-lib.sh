# shellcheck shell=bash disable=SC2034
# Shared by scripts/test, scripts/demo and .ci/run: Debian packages, configuring and building.
# Sourced by bash; the sourcing script has set -euo pipefail and is at the root of the tree.

# What the program and its tests are built from, and what they read or call.
build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    protobuf-c-compiler libprotobuf-c-dev libonnx-dev # the importer: ONNX's own schema
    libjpeg62-turbo-dev libspng-dev libwebp-dev zlib1g-dev
    libjansson-dev libxxhash-dev nettle-dev
    libzip-dev # weights as .pth and .npz
    libcurl4-gnutls-dev # pull
    libopenblas0-pthread # opened at run time where it is there
    hyperfine            # bench --process
    dataset-fashion-mnist
)
test_packages=(libcmocka-dev libonnx-testdata file binutils)

# What only comparisons with other programs need; without them those tests are skipped.
compare_packages=(
    python3-numpy python3-onnx python3-pil python3-scipy python3-torch python3-torchvision
    libbenchmark-tools
)
if ! command -v npm >/dev/null; then # other packagings of Node bring npm along, and Debian's conflicts with them
    compare_packages+=(nodejs npm)
fi
# What only the build machine needs: second compiler, analyser, formatter, cross build.
ci_packages=(
    g++ clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev shellcheck git
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
)

say()
{
    printf '== %s\n' "$*" >&2
}

# Prints those of "$@" that are not installed.
missing_packages()
{
    local package
    for package in "$@"; do
        # A version needs the status too: removed packages keep their entry.
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# require_packages NAME...: installs what is missing as root, else says which command does.
require_packages()
{
    if ! command -v dpkg-query >/dev/null; then
        say "this is not Debian or a relative of it; install the equivalents of: $*"
        say "then: cmake --preset release && cmake --build --preset release"
        return 1
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    local install=(apt-get install --yes --no-install-recommends "${missing[@]}")
    if [ "$(id -u)" -ne 0 ]; then
        say "missing packages; run this once, then start again:"
        say "    sudo ${install[*]}"
        return 1
    fi
    say "installing with apt: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive "${install[@]}"; } </dev/null >"$log" 2>&1; then
        tail -20 "$log" >&2
        say "apt could not install them; the whole output is in $log"
        return 1
    fi
    rm -f "$log"
}

# build_preset PRESET [cmake options]: configures and builds into build/PRESET; the output is shown only if it fails.
build_preset()
{
    local preset=$1 log=build/$1.log
    shift
    say "building (preset $preset)"
    mkdir -p build
    if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
        tail -40 "$log" >&2
        say "the build failed; its whole output is in $log"
        return 1
    fi
}

# run_tests PRESET [ctest options]: a line per program, then what was skipped or failed, then the counts as a plain
# line. The whole output stays in build/PRESET/tests.log, the names in build/PRESET/tests.txt.
run_tests()
{
    local dir=build/$1 status=0
    shift
    ctest --test-dir "$dir" --verbose --no-tests=error --parallel "$(nproc)" "$@" 2>&1 </dev/null |
        tee "$dir/tests.log" | grep --line-buffered -E '^ *[0-9]+/[0-9]+ Test +#' || status=1
    awk -f scripts/test-summary.awk "$dir/tests.log" >"$dir/tests.txt"
    if grep -q '^failed ' "$dir/tests.txt"; then
        status=1
    fi
    show_failures "$dir"
    cat "$dir/tests.txt"
    return $status
}

# The output of the programs that failed, as ctest prefixes it.
show_failures()
{
    local dir=$1 id
    sed -n -E '/ Passed +[0-9.]+ sec|\*\*\*Skipped/d; s/^ *[0-9]+\/[0-9]+ Test +#([0-9]+): .*/\1/p' "$dir/tests.log" |
        while read -r id; do
            say "output of test $id (its last 60 lines)"
            { grep "^$id: " "$dir/tests.log" || true; } | tail -60 >&2
        done
}
