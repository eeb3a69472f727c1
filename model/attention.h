#pragma once

#include "model/work.h"

namespace model {

// Multi-head latent attention with the lightning indexer (DeepSeek-V2, 2.1; DeepSeek-V3.2, 2.1).
class Attention {
 public:
  // The latents' norms have an epsilon of their own, whatever config.json says of the others.
  static constexpr float kLatentNormEpsilon = 1e-6f;
  static constexpr float kIndexNormEpsilon = 1e-6f;
  // Scores are kept for as many tokens at once as fit, at least one.
  static constexpr int64_t kScoreBytes = 64 << 20;
  static int64_t scores_kept(const Config& config, const NetworkOptions& options);

  explicit Attention(const Parts& parts);

  // Writes the rows' latents and index keys into their pages.
  void remember(int64_t layer, const Step& step, View<const float, 2> normed);
  // y = what each row reads from the tokens that it sees, its own included. After remember().
  void read(int64_t layer, const Step& step, View<const float, 2> normed, View<float, 2> y);

 private:
  Turn turn(const Step& step, RopePairs pairs) const;
  void make_query(int64_t layer, const Step& step, View<const float, 2> normed);
  void choose(int64_t layer, const Step& step, View<const float, 2> normed);
  void choose_among(int64_t layer, const Step& step, int64_t first, int64_t count);

  const Parts& parts_;
  const Config& config_;
  Buffer<float> query_latent_, query_;  // [rows, query_latent], [rows, heads, nope + rope]
  Buffer<float> nope_, absorbed_,
      full_;  // the query in the cache's terms: [rows, heads, latent + rope]
  Buffer<float> latent_, rope_key_, stored_;  // [rows, latent], [rows, rope], [rows, latent + rope]
  Buffer<float> attended_, values_;           // [rows, heads, latent], [rows, heads, value]
  Buffer<float> index_query_, index_key_, head_weights_;
  Buffer<float> score_;       // [rows at once, context]
  Buffer<int32_t> selected_;  // [rows, index_top_k]
};

}  // namespace model
