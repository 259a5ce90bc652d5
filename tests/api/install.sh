#!/bin/sh
# usage: install.sh BUILD_DIR SOURCE_DIR CC
#
# Installs into an empty prefix, moves it, and builds docs/examples/classify.c against it twice: through the CMake
# package and through pkg-config. Both must put the first of Fashion-MNIST's test pictures, an ankle boot, into the
# demo network's class 5, with the same logit.
set -eu
build=$1 source=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

quietly()
{
    "$@" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
}

quietly cmake --install "$build" --prefix "$dir/first"
mv "$dir/first" "$dir/prefix" # nothing installed may remember where it was
prefix=$dir/prefix

quietly cmake -G Ninja -S "$source/docs/examples" -B "$dir/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_BUILD_TYPE=Release
quietly cmake --build "$dir/cmake"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name convzoo.pc)")
export PKG_CONFIG_PATH
# The words that pkg-config prints are meant to be split.
# shellcheck disable=SC2046
"$cc" -std=c11 -Wall -Wextra -Werror -o "$dir/classify" "$source/docs/examples/classify.c" \
    $(pkg-config --cflags --libs convzoo) "-Wl,-rpath,$(pkg-config --variable=libdir convzoo)"

pictures=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
if [ ! -e $pictures ]; then
    echo "no $pictures (Debian: dataset-fashion-mnist)"
    exit 77
fi
gunzip -c $pictures | tail -c +17 | head -c 784 >"$dir/boot" # behind the IDX header; tail's broken pipe is fine
network=$prefix/share/convzoo/resnet20_fashion6.onnx
"$dir/cmake/classify" "$network" 0.27 0.35 <"$dir/boot" | tee "$dir/out"
"$dir/classify" "$network" 0.27 0.35 <"$dir/boot" | cmp - "$dir/out"
grep -q '^class 5, logit .*Ankle boot' "$dir/out" || { echo "wanted class 5"; exit 1; }
"$prefix/bin/convzoo" version
if "$dir/classify" "$dir/none.onnx" 0 1 2>"$dir/out"; then
    echo "a missing file was no error"
    exit 1
fi
cat "$dir/out"
