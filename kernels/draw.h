#pragma once

#include "kernels/view.h"

// How the token after a row is drawn. Filters apply in this order, each to what the last one left:
// temperature, top_k, top_p, min_p.
struct DrawRule {
  enum class Keep : int32_t { No, Yes };
  double temperature = 1;  // 0: the likeliest
  double top_p = 1;        // in (0, 1]: the fewest likeliest whose sum reaches it; 1: all
  double min_p = 0;        // in [0, 1]: those at least min_p times as likely as the likeliest
  double at = 0;           // in [0, 1): what decides
  int32_t top_k = 0;       // 0: all
  Keep keep = Keep::No;    // whether the tokens that the filters left are wanted
};

struct DrawnRow {
  enum class End : int32_t { Drawn, NaN, Infinite, NothingFinite };
  End end = End::Drawn;
  int32_t token = 0;  // drawn; or the first logit that is NaN or +infinity
  int32_t count = 0;  // how many tokens the filters left
  // Natural logarithms, at this temperature (1 if it is 0): of the token's share of all tokens
  // before any filter, and of the share that the filters left.
  float log_probability = 0;
  float log_kept = 0;
};

// A token for each row of logits. In order of falling logits, of equal ones (-0 and 0 are) the
// lower index first, the tokens that the filters leave share [0, 1), each as long as it is likely;
// the one that `at` falls into is drawn. A logit of -infinity is no token; a row with a NaN or
// +infinity draws nothing and says so. Sums are in double and in a fixed order, which need not be
// the twin's: where `at` or a filter's bound is within rounding of the border between two tokens,
// either may win.
struct Draw {
  View<const float, 2> logits;   // [rows, vocabulary]
  View<const DrawRule, 1> rule;  // [rows]
  View<DrawnRow, 1> drawn;       // [rows]
  // The tokens that the filters left, a bit each: token t is bit t % 32 of word t / 32. Written
  // where the rule wants it and a token was drawn.
  View<uint32_t, 2> kept;  // [rows, kept_words(vocabulary)]

  static constexpr int64_t kept_words(int64_t vocabulary) { return (vocabulary + 31) / 32; }
};

namespace cpu {
void draw(const Draw& args);
}
