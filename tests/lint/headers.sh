#!/bin/sh
# Every header compiles alone: it includes what it uses.
cd "$(dirname "$0")/../.." || exit 1
bad=0
flags="-std=c++20 -fsyntax-only -I. -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION -Wno-pragma-once-outside-header"
check() { g++ $flags -x c++ "$1" || { echo "$1 does not compile alone"; return 1; }; }
for header in text/*.h prompts/*.h storage/*.h formats/*.h http/*.h pipeline/*.h audit/*.h apps/*.h; do
  check "$header" 2>/tmp/header.$$ || { cat /tmp/header.$$; bad=1; }
done
rm -f /tmp/header.$$
exit $bad
