// The definition of absorbed latent attention, and the judge of every faster version. Sums are in
// double and the softmax is taken over the whole list at once, so that a disagreement is the other
// side's rounding.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

// The i-th of an array of T at `numbers`, wherever that is aligned.
template <class T>
T number_at(const unsigned char* numbers, int64_t i) {
  T number{};
  std::memcpy(&number, numbers + i * int64_t(sizeof number), sizeof number);
  return number;
}

// Number d of the latent row of token s.
double row_number(const LatentAttention& args, const SeenPages& seen, int64_t s, int64_t d) {
  const PageFormat& format = args.format;
  const unsigned char* row =
      seen.page[s / kPageTokens] + args.offset + s % kPageTokens * format.row_bytes();
  if (format.type == Number::F32) return number_at<float>(row, d);
  if (format.type == Number::BF16) return double(to_float(number_at<Bfloat16>(row, d)));
  if (d >= format.latent)
    return double(to_float(number_at<Bfloat16>(row + format.key_at(), d - format.latent)));
  return double(to_float(number_at<Float8>(row, d))) *
         double(number_at<float>(row + format.latent, d / PageFormat::kTile));
}

double rounded(float x, Number type) {
  return double(type == Number::F32 ? x : to_float(to_bfloat16(x)));
}

// The positions that token t attends to; none if its found is -1.
std::vector<int64_t> attended(const LatentAttention& args, int64_t t) {
  const int64_t visible = args.seen(t).visible;
  if (args.found(t) == -1) return {};
  const bool all = args.found(t) == LatentAttention::kAll;
  std::vector<int64_t> positions(std::size_t(all ? visible : args.found(t)), 0);
  assert(!positions.empty());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    positions[i] = all ? int64_t(i) : int64_t(args.selected(t, int64_t(i)));
    assert(0 <= positions[i] && positions[i] < visible);
  }
  return positions;
}

}  // namespace

void cpu::latent_attention(const LatentAttention& args) {
  const auto [tokens, heads, latent] = args.out.extent;
  const int64_t width = args.format.width;
  assert(args.q.extent[0] == tokens && args.q.extent[1] == heads && args.q.extent[2] == width);

  for (int64_t t = 0; t < tokens; ++t) {
    const SeenPages& seen = args.seen(t);
    const std::vector<int64_t> positions = attended(args, t);
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> p(positions.size(), 0.0);
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::size_t i = 0; i < p.size(); ++i) {
        for (int64_t d = 0; d < width; ++d)
          p[i] +=
              rounded(args.q(t, h, d), args.format.type) * row_number(args, seen, positions[i], d);
        p[i] *= double(args.scale);
        most = std::max(most, p[i]);
      }
      for (double& x : p) sum += x = std::exp(x - most);
      for (int64_t c = 0; c < latent; ++c) {
        double value = 0;
        for (std::size_t i = 0; i < p.size(); ++i)
          value += p[i] * row_number(args, seen, positions[i], c);
        args.out(t, h, c) = p.empty() ? 0 : float(value / sum);
      }
    }
  }
}
