// The definition of the lightning indexer, and the judge of every faster version. Sums are in
// double, so that a disagreement is the other side's rounding.
#include "kernels/indexer.h"

#include <cstring>

namespace {

// Number d of the index key of token s.
double key_number(const IndexerScores& args, const SeenPages& seen, int64_t s, int64_t d) {
  const int64_t place = (d / 2 * kPageTokens + s % kPageTokens) * 2 + d % 2;
  const unsigned char* keys = seen.page[s / kPageTokens] + args.offset;
  if (args.format.type == Number::F32) {
    float number = 0;
    std::memcpy(&number, keys + place * bytes_of(Number::F32), sizeof number);
    return double(number);
  }
  Bfloat16 number;
  std::memcpy(&number, keys + place * bytes_of(Number::BF16), sizeof number);
  return double(to_float(number));
}

double rounded(float x, Number type) {
  return double(type == Number::F32 ? x : to_float(to_bfloat16(x)));
}

}  // namespace

void cpu::indexer_scores(const IndexerScores& args) {
  const auto [tokens, heads, dim] = args.q.extent;
  assert(args.format.width == dim && args.weight.extent[0] == tokens);

  for (int64_t t = 0; t < tokens; ++t) {
    const SeenPages& seen = args.seen(t);
    for (int64_t s = 0; s < seen.visible; ++s) {
      double sum = 0;
      for (int64_t h = 0; h < heads; ++h) {
        double dot = 0;
        for (int64_t d = 0; d < dim; ++d)
          dot += rounded(args.q(t, h, d), args.format.type) * key_number(args, seen, s, d);
        sum += double(args.weight(t, h)) * (dot < 0 ? 0 : dot);  // NaN stays NaN
      }
      args.score(t, s) = float(sum);
    }
  }
}
