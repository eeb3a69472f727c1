#include "training/indexer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "model/attention.h"
#include "training/document_kernels.h"

namespace training {
namespace {

constexpr int64_t kTokensATask = 32;

// Calls body(token) for all of them; the threads share them.
template <class Body>
void for_tokens(Threads& threads, int64_t tokens, const Body& body) {
  threads.run((tokens + kTokensATask - 1) / kTokensATask, [&](int64_t task) {
    const int64_t end = std::min(tokens, (task + 1) * kTokensATask);
    for (int64_t t = task * kTokensATask; t < end; ++t) body(t);
  });
}

template <class T>
View<T, 3> vectors(View<T, 2> rows, int64_t dim) {
  return {rows.data, {rows.extent[0], rows.extent[1] / dim, dim}};
}

// KL(p || q) of `count` keys, q = softmax of the scores that q holds; q becomes factor * (q - p).
template <class T>
T compare_token(const T* p, T* q, int64_t count, T factor) {
  T most = q[0], sum = 0;
  for (int64_t j = 1; j < count; ++j) most = std::max(most, q[j]);
  T p_score = 0, p_log = 0, p_sum = 0;
  for (int64_t j = 0; j < count; ++j) {
    const T score = q[j] - most;
    p_score += p[j] * score;
    p_sum += p[j];
    if (p[j] > 0) p_log += p[j] * std::log(p[j]);
    q[j] = std::exp(score);
    sum += q[j];
  }
  for (int64_t j = 0; j < count; ++j) q[j] = factor * (q[j] / sum - p[j]);
  return p_log - p_score + p_sum * std::log(sum);
}

}  // namespace

template <class T>
IndexerLayer<T>::IndexerLayer(const model::Config& config, const RopeLayer<T>& rope)
    : heads_(config.index_heads),
      dim_(config.index_dim),
      top_k_(config.index_top_k),
      pairs_(config.index_rope_pairs),
      weight_scale_(T(1 / std::sqrt(double(config.index_heads * config.index_dim)))),
      rope_(rope),
      norm_{.epsilon = model::Attention::kIndexNormEpsilon} {}

template <class T>
void IndexerLayer<T>::choose(Arithmetic<T>& arithmetic, const IndexerViews<const T>& weights,
                             const Input& input, Work& work) {
  const int64_t tokens = input.x.extent[0];
  const auto position = input.layout.position();
  const auto query = query_.matrix(tokens, heads_ * dim_);
  const auto raw_key = raw_key_.matrix(tokens, dim_), key = key_.matrix(tokens, dim_);
  const auto weight = weight_.matrix(tokens, heads_);
  arithmetic.product(input.query_latent, weights.query, query, Into::Write);
  arithmetic.product(input.x, weights.key, raw_key, Into::Write);
  arithmetic.exact_product(input.x, weights.head_weights, weight);
  for (int64_t i = 0; i < weight.size(); ++i) weight.data[i] *= weight_scale_;
  norm_.forward(arithmetic, raw_key, weights.key_norm, weights.key_bias, key);
  rope_.forward(arithmetic, position, {vectors(query, dim_), 0, pairs_});
  rope_.forward(arithmetic, position, {vectors(key, dim_), 0, pairs_});

  const auto score = work.score.vector(input.layout.all_numbers());
  document_scores(arithmetic, DocumentScores<T>{.keys = input.layout.all(),
                                                .query = vectors(query, dim_),
                                                .key = key,
                                                .weight = weight,
                                                .score = score});
  select(arithmetic, input.layout, score);
}

template <class T>
void IndexerLayer<T>::select(Arithmetic<T>& arithmetic, const DocumentLayout& layout,
                             View<const T, 1> score) {
  const int64_t tokens = layout.tokens();
  const auto selected = selected_.matrix(tokens, top_k_);
  const auto found = found_.vector(tokens);
  document_top_k(
      arithmetic,
      DocumentTopK<T>{
          .keys = layout.all(), .score = score, .k = top_k_, .selected = selected, .found = found});
  for (int64_t t = 0; t < tokens; ++t)
    if (found(t) < 0)
      throw model::Broken(fmt::format(
          "the indexer's scores for the token at position {} are not numbers: training has "
          "diverged",
          layout.position()(t)));
}

template <class T>
DocumentKeys IndexerLayer<T>::chosen(const DocumentLayout& layout) {
  const int64_t tokens = layout.tokens();
  return layout.chosen(selected_.matrix(tokens, top_k_), found_.vector(tokens));
}

template <class T>
IndexerDistance IndexerLayer<T>::compare(Arithmetic<T>& arithmetic, const Input& input,
                                         const DocumentKeys& keys, double weight, Work& work) {
  const int64_t tokens = input.x.extent[0];
  const DocumentLayout& layout = input.layout;
  const DocumentKeys all = layout.all(), best = chosen(layout);
  const auto score = work.score.vector(layout.all_numbers());
  const auto lost = work.lost.matrix(tokens, 2);
  const int64_t numbers = keys.all() ? layout.all_numbers() : tokens * layout.list_width();
  const auto mean = work.mean.vector(numbers);
  const auto d_score = work.d_score.vector(numbers);
  const T factor = T(weight / double(tokens));
  for_tokens(arithmetic.threads(), tokens, [&](int64_t t) {
    const int64_t count = keys.all() ? layout.visible()(t) : best.found(t);
    const int64_t row = keys.row(t);
    for (int64_t j = 0; j < count; ++j)
      d_score.data[row + j] = score.data[all.row(t) + (keys.all() ? j : best.selected(t, j))];
    lost(t, 0) = compare_token(mean.data + row, d_score.data + row, count, factor);
    T kept = 0;
    for (int64_t j = 0; j < best.found(t); ++j)
      kept += mean.data[row + (keys.all() ? best.selected(t, j) : j)];
    lost(t, 1) = kept;
  });
  IndexerDistance distance;
  for (int64_t t = 0; t < tokens; ++t) {
    distance.divergence += double(lost(t, 0)) / double(tokens);
    distance.recall += double(lost(t, 1)) / double(tokens);
  }
  if (weight > 0)
    document_scores_gradient(
        arithmetic,
        DocumentScoresGradient<T>{.keys = keys,
                                  .query = vectors(query_.matrix(tokens, heads_ * dim_), dim_),
                                  .key = key_.matrix(tokens, dim_),
                                  .weight = weight_.matrix(tokens, heads_),
                                  .d_score = d_score,
                                  .d_query = vectors(d_query_.matrix(tokens, heads_ * dim_), dim_),
                                  .d_key = d_key_.matrix(tokens, dim_),
                                  .d_weight = d_weight_.matrix(tokens, heads_),
                                  .key_parts = {work.key_parts.vector(heads_ * tokens * dim_).data,
                                                {heads_, tokens, dim_}}});
  return distance;
}

template <class T>
void IndexerLayer<T>::backward(Arithmetic<T>& arithmetic, const IndexerViews<const T>& weights,
                               const Input& input, const IndexerViews<T>& gradients) {
  const int64_t tokens = input.x.extent[0];
  const auto position = input.layout.position();
  const auto d_query = d_query_.matrix(tokens, heads_ * dim_);
  const auto d_key = d_key_.matrix(tokens, dim_);
  const auto d_weight = d_weight_.matrix(tokens, heads_);
  rope_.backward(arithmetic, position, {vectors(d_query, dim_), 0, pairs_});
  rope_.backward(arithmetic, position, {vectors(d_key, dim_), 0, pairs_});
  arithmetic.weight_gradient(d_query, input.query_latent, gradients.query);
  norm_.backward(arithmetic, raw_key_.matrix(tokens, dim_), weights.key_norm, d_key, d_key,
                 Into::Write, gradients.key_norm, gradients.key_bias);
  arithmetic.weight_gradient(d_key, input.x, gradients.key);
  for (int64_t i = 0; i < d_weight.size(); ++i) d_weight.data[i] *= weight_scale_;
  arithmetic.weight_gradient(d_weight, input.x, gradients.head_weights);
}

template class IndexerLayer<float>;
template class IndexerLayer<double>;

}  // namespace training
