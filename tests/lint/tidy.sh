#!/bin/sh
# clang-tidy over all sources, or over those given. Needs build/release, for the compile commands.
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- $(git ls-files 'kernels/*.cpp' 'model/*.cpp' 'engine/*.cpp' 'text/*.cpp' 'prompts/*.cpp' 'storage/*.cpp' 'formats/*.cpp' \
  'http/*.cpp' 'pipeline/*.cpp' 'audit/*.cpp' 'apps/*.cpp' | grep -vE 'boost_asio|^kernels/simd/')
# The compile commands are gcc's: clang knows not all of its warnings.
printf '%s\n' "$@" |
  xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/release --extra-arg=-Wno-unknown-warning-option
