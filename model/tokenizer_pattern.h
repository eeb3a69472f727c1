#pragma once

#include <string>
#include <string_view>

namespace model {

// Patterns in tokenizer.json are written for Oniguruma with Ruby's syntax, and run here under
// PCRE2. Most of what they use means the same in both; the rest is rewritten, or refused by name.
struct TranslatedPattern {
  std::string text;  // for PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE
  // A match of group 1 is none: it only says where to look on. See `translate_pattern`.
  bool group_one_skips = false;
};

// Throws Refused: what the pattern uses that is not known to mean the same.
//
// Behind every repetition stands a callout, so that whoever runs the pattern can stop it: PCRE2's
// own limit does not count how often a repeated character is tried.
//
// X+$, with X one character of a set, would be tried from each character of a run of X that no line
// end follows, in quadratic time. If it fails at the run's first character, it fails at all of
// them; so it becomes X+$|(X+), and group 1 is the run to step over.
TranslatedPattern translate_pattern(std::string_view pattern);

// A pattern that matches exactly `literal`.
TranslatedPattern quote_pattern(std::string_view literal);

}  // namespace model
