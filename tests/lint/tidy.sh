#!/bin/sh
# clang-tidy over all sources, or over those given. Files are read without precompiled headers, so
# that what they fail to include is seen to be missing.
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- $(git ls-files 'kernels/*.cpp' 'model/*.cpp' 'engine/*.cpp' 'text/*.cpp' \
  'prompts/*.cpp' 'storage/*.cpp' 'formats/*.cpp' 'http/*.cpp' 'pipeline/*.cpp' 'audit/*.cpp' 'theorems/*.cpp' 'training/*.cpp' \
  'apps/*.cpp' | grep -vE 'boost_asio|^kernels/simd/|^kernels/cuda/(check|runtime)')
mkdir -p build
cmake -S . -B build/tidy -G Ninja -DPRECOMPILED=OFF >build/tidy.log 2>&1 || {
  cat build/tidy.log
  exit 1
}
# The compile commands are gcc's: clang knows not all of its warnings.
printf '%s\n' "$@" |
  xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/tidy --extra-arg=-Wno-unknown-warning-option
