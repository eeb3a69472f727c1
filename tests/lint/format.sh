#!/bin/sh
# The format of .clang-format, everywhere.
cd "$(dirname "$0")/../.." || exit 1
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run --Werror
