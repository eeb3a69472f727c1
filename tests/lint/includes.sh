#!/bin/sh
# Which folder may include which: the rule of DESIGN.md, section 2, on the include lines. The link
# edges in CMakeLists.txt say the same; this one also sees headers.
cd "$(dirname "$0")/../.." || exit 1
bad=0
may_include() { # may_include FOLDER 'FOLDER|FOLDER|...'
  [ -d "$1" ] || return 0
  grep -rnE '^#include "' "$1" --include='*.h' --include='*.cpp' --include='*.cu' |
    grep -vE "#include \"($1|$2)/" && bad=1
}
may_include kernels none
may_include text none
may_include model 'kernels|text'
may_include engine 'kernels|model|text'
may_include prompts 'text'
may_include storage 'text'
may_include formats 'text'
may_include http 'text'
may_include theorems 'text'
may_include pipeline 'engine|http|model|prompts|storage|text'
may_include audit 'formats|pipeline|prompts|storage|text'
may_include training 'engine|kernels|model|pipeline|prompts|storage|text|theorems'
may_include apps 'audit|engine|formats|http|kernels|model|pipeline|prompts|storage|text|theorems|training'

# Heavy or telling headers stay where they belong.
only_in() { # only_in PATTERN 'FILE REGEX' WHAT
  grep -rlE "^#include $1" kernels model engine text prompts storage theorems formats http pipeline audit \
    training apps |
    grep -vE "$2" | sed "s|\$|: $3|" | grep . && bad=1
}
only_in '<pcre2' '^model/' 'only model may include PCRE2'
only_in '<immintrin' '^kernels/simd/' 'only kernels/simd may include intrinsics'
only_in '<sqlite3' '^storage/' 'only storage may include SQLite'
only_in '<boost/beast' '^http/' 'only http may include Beast'
only_in '<nlohmann/json.hpp>' '\.cpp$|^formats/strict_object.h|^http/precompiled.h' 'JSON stays out of headers'
exit $bad
