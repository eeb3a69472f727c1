#include "training/attention.h"

#include "model/attention.h"
#include "training/document_kernels.h"

namespace training {
namespace {

template <class T>
View<T, 3> as_heads(View<T, 2> rows, int64_t heads) {
  return {rows.data, {rows.extent[0], heads, rows.extent[1] / heads}};
}

}  // namespace

template <class T>
AttentionLayer<T>::AttentionLayer(const model::Config& config, const RopeLayer<T>& rope)
    : heads_(config.heads),
      nope_(config.nope),
      rope_dim_(config.rope),
      value_(config.value),
      latent_dim_(config.latent),
      query_latent_dim_(config.query_latent),
      scale_(T(config.softmax_scale())),
      pairs_(config.rope_pairs),
      rope_(rope),
      query_norm_{.epsilon = model::Attention::kLatentNormEpsilon},
      latent_norm_{.epsilon = model::Attention::kLatentNormEpsilon},
      indexer_(config, rope) {}

template <class T>
void AttentionLayer<T>::project(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                                View<const T, 2> x, const DocumentLayout& layout) {
  const int64_t tokens = x.extent[0];
  const auto raw_query_latent = raw_query_latent_.matrix(tokens, query_latent_dim_);
  const auto query_latent = query_latent_.matrix(tokens, query_latent_dim_);
  const auto query = query_.matrix(tokens, heads_ * (nope_ + rope_dim_));
  arithmetic.product(x, weights.query_down, raw_query_latent, Into::Write);
  query_norm_.forward(arithmetic, raw_query_latent, weights.query_norm, query_latent);
  arithmetic.product(query_latent, weights.query, query, Into::Write);
  rope_.forward(arithmetic, layout.position(), {as_heads(query, heads_), nope_, pairs_});

  const auto raw_latent = raw_latent_.matrix(tokens, latent_dim_);
  const auto latent = latent_.matrix(tokens, latent_dim_);
  const auto rope_key = rope_key_.matrix(tokens, rope_dim_);
  const auto key_value = key_value_.matrix(tokens, heads_ * (nope_ + value_));
  const auto& down = weights.key_value_down;
  arithmetic.product(x, down.part(0, latent_dim_), raw_latent, Into::Write);
  arithmetic.product(x, down.part(latent_dim_, rope_dim_), rope_key, Into::Write);
  latent_norm_.forward(arithmetic, raw_latent, weights.latent_norm, latent);
  arithmetic.product(latent, weights.key_value, key_value, Into::Write);
  rope_.forward(arithmetic, layout.position(), {as_heads(rope_key, 1), 0, pairs_});
}

template <class T>
DocumentKeys AttentionLayer<T>::keys(const DocumentLayout& layout) {
  return options_.attention == Attention::Sparse ? indexer_.chosen(layout) : layout.all();
}

template <class T>
DocumentAttention<T> AttentionLayer<T>::core(const DocumentLayout& layout) {
  const int64_t tokens = layout.tokens();
  const bool sparse = options_.attention == Attention::Sparse;
  const int64_t width = sparse ? layout.list_width() : 0, two = sparse ? 0 : 2;
  return {
      .keys = keys(layout),
      .query = as_heads(query_.matrix(tokens, heads_ * (nope_ + rope_dim_)), heads_),
      .key_value = as_heads(key_value_.matrix(tokens, heads_ * (nope_ + value_)), heads_),
      .rope_key = rope_key_.matrix(tokens, rope_dim_),
      .scale = scale_,
      .output = as_heads(attended_.matrix(tokens, heads_ * value_), heads_),
      .probability = {probability_.vector(heads_ * tokens * width).data, {heads_, tokens, width}},
      .softmax = {softmax_.vector(heads_ * tokens * two).data, {heads_, tokens, two}},
      .mean = {}};
}

template <class T>
IndexerDistance AttentionLayer<T>::forward(Arithmetic<T>& arithmetic,
                                           const AttentionViews<const T>& weights,
                                           View<const T, 2> x, const DocumentLayout& layout,
                                           const Options& options, Work& work, View<T, 2> y,
                                           Into into) {
  options_ = options;
  const int64_t tokens = x.extent[0];
  project(arithmetic, weights, x, layout);
  const typename IndexerLayer<T>::Input input{
      .x = x, .query_latent = query_latent_.matrix(tokens, query_latent_dim_), .layout = layout};
  const bool indexed = options.attention != Attention::Dense;
  if (indexed) indexer_.choose(arithmetic, weights.indexer, input, work.indexer);

  DocumentAttention<T> args = core(layout);
  if (indexed)
    args.mean = work.indexer.mean.vector(args.keys.all() ? layout.all_numbers()
                                                         : tokens * layout.list_width());
  document_attention(arithmetic, args);
  arithmetic.product(attended_.matrix(tokens, heads_ * value_), weights.output, y, into);
  if (!indexed) return {};
  return indexer_.compare(arithmetic, input, args.keys, options.indexer_loss, work.indexer);
}

template <class T>
void AttentionLayer<T>::backward(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                                 View<const T, 2> x, const DocumentLayout& layout,
                                 View<const T, 2> dy, Work& work, View<T, 2> dx,
                                 const AttentionViews<T>& gradients) {
  const int64_t tokens = x.extent[0];
  const auto d_attended = work.d_attended.matrix(tokens, heads_ * value_);
  arithmetic.weight_gradient(dy, attended_.matrix(tokens, heads_ * value_), gradients.output);
  arithmetic.input_gradient(dy, weights.output, d_attended, Into::Write);

  const auto d_query = work.d_query.matrix(tokens, heads_ * (nope_ + rope_dim_));
  const auto d_key_value = work.d_key_value.matrix(tokens, heads_ * (nope_ + value_));
  const auto d_rope_key = work.d_rope_key.matrix(tokens, rope_dim_);
  document_attention_gradient(
      arithmetic,
      DocumentAttentionGradient<T>{
          .forward = core(layout),
          .d_output = as_heads(d_attended, heads_),
          .d_query = as_heads(d_query, heads_),
          .d_key_value = as_heads(d_key_value, heads_),
          .d_rope_key = d_rope_key,
          .rope_key_parts = {work.rope_key_parts.vector(heads_ * tokens * rope_dim_).data,
                             {heads_, tokens, rope_dim_}}});
  rope_.backward(arithmetic, layout.position(), {as_heads(d_query, heads_), nope_, pairs_});
  rope_.backward(arithmetic, layout.position(), {as_heads(d_rope_key, 1), 0, pairs_});
  query_backward(arithmetic, weights, x, work, dx, gradients);
  key_backward(arithmetic, weights, x, work, dx, gradients);
  if (options_.attention != Attention::Dense && options_.indexer_loss > 0)
    indexer_.backward(
        arithmetic, weights.indexer,
        {.x = x, .query_latent = query_latent_.matrix(tokens, query_latent_dim_), .layout = layout},
        gradients.indexer);
}

// Writes dx.
template <class T>
void AttentionLayer<T>::query_backward(Arithmetic<T>& arithmetic,
                                       const AttentionViews<const T>& weights, View<const T, 2> x,
                                       Work& work, View<T, 2> dx,
                                       const AttentionViews<T>& gradients) {
  const int64_t tokens = x.extent[0];
  const auto d_query = work.d_query.matrix(tokens, heads_ * (nope_ + rope_dim_));
  const auto d_latent = work.d_query_latent.matrix(tokens, query_latent_dim_);
  arithmetic.weight_gradient(d_query, query_latent_.matrix(tokens, query_latent_dim_),
                             gradients.query);
  arithmetic.input_gradient(d_query, weights.query, d_latent, Into::Write);
  query_norm_.backward(arithmetic, raw_query_latent_.matrix(tokens, query_latent_dim_),
                       weights.query_norm, d_latent, d_latent, Into::Write, gradients.query_norm);
  arithmetic.weight_gradient(d_latent, x, gradients.query_down);
  arithmetic.input_gradient(d_latent, weights.query_down, dx, Into::Write);
}

// Adds to dx.
template <class T>
void AttentionLayer<T>::key_backward(Arithmetic<T>& arithmetic,
                                     const AttentionViews<const T>& weights, View<const T, 2> x,
                                     Work& work, View<T, 2> dx,
                                     const AttentionViews<T>& gradients) {
  const int64_t tokens = x.extent[0];
  const auto d_key_value = work.d_key_value.matrix(tokens, heads_ * (nope_ + value_));
  const auto d_rope_key = work.d_rope_key.matrix(tokens, rope_dim_);
  const auto d_latent = work.d_latent.matrix(tokens, latent_dim_);
  arithmetic.weight_gradient(d_key_value, latent_.matrix(tokens, latent_dim_), gradients.key_value);
  arithmetic.input_gradient(d_key_value, weights.key_value, d_latent, Into::Write);
  latent_norm_.backward(arithmetic, raw_latent_.matrix(tokens, latent_dim_), weights.latent_norm,
                        d_latent, d_latent, Into::Write, gradients.latent_norm);
  const auto& down = gradients.key_value_down;
  arithmetic.weight_gradient(d_latent, x, down.part(0, latent_dim_));
  arithmetic.weight_gradient(d_rope_key, x, down.part(latent_dim_, rope_dim_));
  arithmetic.input_gradient(d_latent, weights.key_value_down.part(0, latent_dim_), dx, Into::Add);
  arithmetic.input_gradient(d_rope_key, weights.key_value_down.part(latent_dim_, rope_dim_), dx,
                            Into::Add);
}

template class AttentionLayer<float>;
template class AttentionLayer<double>;

}  // namespace training
