#include "model/attention.h"

#include <algorithm>
#include <cmath>

namespace model {

int64_t Attention::scores_kept(const Config& config, const NetworkOptions& options) {
  if (!config.sparse()) return 0;
  return std::min(options.rows_max * options.context_max,
                  std::max(kScoreBytes / int64_t(sizeof(float)), options.context_max));
}

Attention::Attention(const Parts& parts)
    : parts_(parts),
      config_(parts.weights.config),
      query_latent_(parts.kernels.memory(), parts.options.rows_max * config_.query_latent),
      query_(parts.kernels.memory(),
             parts.options.rows_max * config_.heads * (config_.nope + config_.rope)),
      nope_(parts.kernels.memory(), parts.options.rows_max * config_.heads * config_.nope),
      absorbed_(parts.kernels.memory(), parts.options.rows_max * config_.heads * config_.latent),
      full_(parts.kernels.memory(),
            parts.options.rows_max * config_.heads * (config_.latent + config_.rope)),
      latent_(parts.kernels.memory(), parts.options.rows_max * config_.latent),
      rope_key_(parts.kernels.memory(), parts.options.rows_max * config_.rope),
      stored_(parts.kernels.memory(), parts.options.rows_max * (config_.latent + config_.rope)),
      attended_(parts.kernels.memory(), parts.options.rows_max * config_.heads * config_.latent),
      values_(parts.kernels.memory(), parts.options.rows_max * config_.heads * config_.value),
      index_query_(parts.kernels.memory(),
                   parts.options.rows_max * config_.index_heads * config_.index_dim),
      index_key_(parts.kernels.memory(), parts.options.rows_max * config_.index_dim),
      head_weights_(parts.kernels.memory(), parts.options.rows_max * config_.index_heads),
      score_(parts.kernels.memory(), scores_kept(config_, parts.options)),
      selected_(parts.kernels.memory(),
                parts.options.rows_max * std::max(config_.index_top_k, int32_t(1))) {}

void Attention::remember(int64_t layer, const Step& step, View<const float, 2> normed) {
  Kernels& k = parts_.kernels;
  const AttentionWeights& w = parts_.weights.layer[std::size_t(layer)].attention;
  const int64_t n = step.rows;

  const auto latent = latent_.view(n, config_.latent);
  const auto rope_key = rope_key_.view(n, config_.rope);
  const auto stored = stored_.view(n, config_.latent + config_.rope);
  k.linear({.x = normed, .weight = w.key_value_down.part(0, config_.latent), .y = latent});
  k.linear(
      {.x = normed, .weight = w.key_value_down.part(config_.latent, config_.rope), .y = rope_key});
  k.latent_front({.latent = latent,
                  .key = rope_key,
                  .weight = w.latent_norm,
                  .epsilon = kLatentNormEpsilon,
                  .turn = turn(step, config_.rope_pairs),
                  .numerics = parts_.options.numerics,
                  .stored = stored,
                  .page = step.page,
                  .slot = step.slot,
                  .offset = parts_.cache.latent_offset(layer),
                  .format = parts_.cache.latent});
  parts_.seen("self_attn.cached", layer, stored);
  if (!config_.sparse()) return;

  const auto key = index_key_.view(n, config_.index_dim);
  k.linear({.x = normed, .weight = w.indexer.key, .y = key});
  k.index_key_front({.x = key,
                     .weight = w.indexer.key_norm,
                     .bias = w.indexer.key_bias,
                     .epsilon = kIndexNormEpsilon,
                     .turn = turn(step, config_.index_rope_pairs),
                     .numerics = parts_.options.numerics,
                     .page = step.page,
                     .slot = step.slot,
                     .offset = parts_.cache.index_key_offset(layer),
                     .format = parts_.cache.index_key});
  parts_.seen("self_attn.indexer.key", layer, key);
}

// Of a key, whose turned numbers stand by themselves, and of the indexer's vectors, where they come
// first; in MLA's queries they come last.
Turn Attention::turn(const Step& step, RopePairs pairs) const {
  return {
      .dim = config_.rope, .position = step.position, .table = parts_.rope_table, .pairs = pairs};
}

void Attention::make_query(int64_t layer, const Step& step, View<const float, 2> normed) {
  Kernels& k = parts_.kernels;
  const AttentionWeights& w = parts_.weights.layer[std::size_t(layer)].attention;
  const int64_t n = step.rows, heads = config_.heads;

  const auto query = query_.view(n, heads, config_.nope + config_.rope);
  if (config_.query_latent > 0) {
    const auto latent = query_latent_.view(n, config_.query_latent);
    k.linear({.x = normed, .weight = w.query_down, .y = latent});
    k.rms_norm({.x = latent, .weight = w.query_norm, .epsilon = kLatentNormEpsilon, .y = latent});
    k.linear({.x = latent, .weight = w.query, .y = as_rows(query)});
  } else {
    k.linear({.x = normed, .weight = w.query, .y = as_rows(query)});
  }
  k.rope({.x = query,
          .first = config_.nope,
          .dim = config_.rope,
          .position = step.position,
          .table = parts_.rope_table,
          .pairs = config_.rope_pairs});
  parts_.seen("self_attn.query", layer, as_rows(query));

  // The key half of kv_b moves over to the query, so that keys stay latent.
  const auto nope = nope_.view(n, heads, config_.nope);
  const auto absorbed = absorbed_.view(n, heads, config_.latent);
  const auto full = full_.view(n, heads, config_.latent + config_.rope);
  k.copy_columns({.x = as_vectors(query), .y = as_vectors(nope), .count = config_.nope});
  k.absorb_query(
      {.x = nope, .weight = w.key_value, .stride = config_.nope + config_.value, .y = absorbed});
  k.copy_columns({.x = as_vectors(absorbed), .y = as_vectors(full), .count = config_.latent});
  k.copy_columns({.x = as_vectors(query),
                  .y = as_vectors(full),
                  .from = config_.nope,
                  .to = config_.latent,
                  .count = config_.rope});
}

// Which tokens the rows attend to. Rows that see at most index_top_k tokens attend to all of them;
// the switch depends on position alone.
void Attention::choose(int64_t layer, const Step& step, View<const float, 2> normed) {
  if (step.score_width == 0) return;
  const int64_t n = step.rows;
  Kernels& k = parts_.kernels;
  const IndexerWeights& w = parts_.weights.layer[std::size_t(layer)].attention.indexer;
  const auto query = index_query_.view(n, config_.index_heads, config_.index_dim);
  const auto weights = head_weights_.view(n, config_.index_heads);
  k.linear(
      {.x = query_latent_.view(n, config_.query_latent), .weight = w.query, .y = as_rows(query)});
  k.index_query_front({.x = query,
                       .turn = turn(step, config_.index_rope_pairs),
                       .numerics = parts_.options.numerics});
  k.linear({.x = normed, .weight = w.head_weights, .y = weights, .rounding = Rounding::None});
  k.scale({.y = weights,
           .factor = float(1 / std::sqrt(double(config_.index_heads * config_.index_dim)))});
  parts_.seen("self_attn.indexer.query", layer, as_rows(query));
  parts_.seen("self_attn.indexer.head_weights", layer, weights);

  // As many rows at once as there is room for their scores.
  const int64_t room = std::max(kScoreBytes / 4 / step.score_width, int64_t(1));
  for (int64_t first = 0; first < n; first += room)
    choose_among(layer, step, first, std::min(room, n - first));
}

void Attention::choose_among(int64_t layer, const Step& step, int64_t first, int64_t count) {
  Kernels& k = parts_.kernels;
  const auto score = score_.view(count, step.score_width);
  k.indexer_scores(
      {.q = index_query_.view(step.rows, config_.index_heads, config_.index_dim).part(first, count),
       .weight = head_weights_.view(step.rows, config_.index_heads).part(first, count),
       .seen = step.sparse_seen.part(first, count),
       .offset = parts_.cache.index_key_offset(layer),
       .format = parts_.cache.index_key,
       .score = score});
  k.top_k({.score = score,
           .visible = step.candidates.part(first, count),
           .k = config_.index_top_k,
           .selected = selected_.view(step.rows, config_.index_top_k).part(first, count),
           .found = step.found_in(layer).part(first, count)});
}

void Attention::read(int64_t layer, const Step& step, View<const float, 2> normed,
                     View<float, 2> y) {
  Kernels& k = parts_.kernels;
  const AttentionWeights& w = parts_.weights.layer[std::size_t(layer)].attention;
  const int64_t n = step.rows;
  make_query(layer, step, normed);
  choose(layer, step, normed);

  const auto attended = attended_.view(n, config_.heads, config_.latent);
  const auto values = values_.view(n, config_.heads, config_.value);
  k.latent_attention({.q = full_.view(n, config_.heads, config_.latent + config_.rope),
                      .seen = step.seen,
                      .offset = parts_.cache.latent_offset(layer),
                      .format = parts_.cache.latent,
                      .selected = selected_.view(n, std::max(config_.index_top_k, int32_t(1))),
                      .found = step.found_in(layer),
                      .scale = float(config_.softmax_scale()),
                      .out = attended});
  k.expand_value({.x = attended,
                  .weight = w.key_value,
                  .stride = config_.nope + config_.value,
                  .skip = config_.nope,
                  .y = values});
  parts_.seen("self_attn.values", layer, as_rows(values));
  k.linear({.x = as_rows(values), .weight = w.output, .y = y});
}

}  // namespace model
