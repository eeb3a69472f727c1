#!/bin/sh
# gcc 12 destroys twice a braced aggregate or a capturing lambda that is made inside a co_await
# expression. Name it first, then std::move it in. Prints each suspect line, and fails if there is
# one; a line marked "lint: trivial" makes an aggregate without a destructor.
cd "$(dirname "$0")/../.." || exit 1
grep -rnE --include='*.cpp' --include='*.h' \
  'co_await[^;]*([A-Za-z_>]\{[^}]|[(,] *\{[^}]|\[[^]]*\] *[({])' \
  http pipeline audit apps tests examples bench | grep -v 'lint: trivial' && exit 1
exit 0
