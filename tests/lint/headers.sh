#!/bin/sh
# Every header compiles alone: it includes what it uses.
cd "$(dirname "$0")/../.." || exit 1
ls kernels/*.h model/*.h engine/*.h text/*.h prompts/*.h storage/*.h formats/*.h http/*.h pipeline/*.h audit/*.h theorems/*.h training/*.h apps/*.h |
  xargs -P "$(nproc)" -I HEADER sh -c '
    printf "#include \"%s\"\n" HEADER |
      g++ -std=c++20 -fsyntax-only -I. -DBOOST_ASIO_SEPARATE_COMPILATION \
        -DBOOST_BEAST_SEPARATE_COMPILATION -x c++ - || { echo "HEADER does not compile alone"; exit 255; }'
