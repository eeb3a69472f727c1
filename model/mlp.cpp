#include "model/mlp.h"

#include <algorithm>

namespace model {
namespace {

int64_t pairs_max(const Parts& parts) {
  return parts.options.rows_max * parts.weights.config.chosen_experts;
}

int64_t inner_numbers(const Parts& parts) {
  const Config& c = parts.weights.config;
  return std::max({parts.options.rows_max * c.dense_inner,
                   parts.options.rows_max * c.shared_experts * c.expert_inner,
                   pairs_max(parts) * c.expert_inner});
}

}  // namespace

FeedForward::FeedForward(const Parts& parts)
    : parts_(parts),
      config_(parts.weights.config),
      gate_(inner_numbers(parts)),
      up_(inner_numbers(parts)),
      gathered_(pairs_max(parts) * config_.hidden),
      made_(pairs_max(parts) * config_.hidden),
      router_logits_(parts.options.rows_max * config_.experts),
      chosen_weight_(pairs_max(parts)),
      chosen_(pairs_max(parts)),
      first_(config_.experts + 1),
      token_(pairs_max(parts)),
      slot_(pairs_max(parts)) {}

void FeedForward::run(int64_t layer, const Step&, View<const float, 2> normed, View<float, 2> y) {
  const LayerWeights& w = parts_.weights.layer[std::size_t(layer)];
  if (w.mlp.gate.rows > 0)
    dense(w.mlp, normed, y);
  else
    mixture(layer, w.moe, normed, y);
}

void FeedForward::dense(const Mlp& mlp, View<const float, 2> x, View<float, 2> y) {
  Kernels& k = parts_.kernels;
  const auto gate = gate_.view(x.extent[0], mlp.gate.rows);
  const auto up = up_.view(x.extent[0], mlp.gate.rows);
  k.linear({.x = x, .weight = mlp.gate, .y = gate});
  k.linear({.x = x, .weight = mlp.up, .y = up});
  k.swiglu({.gate = gate, .up = up, .y = gate});
  k.linear({.x = gate, .weight = mlp.down, .y = y});
}

void FeedForward::mixture(int64_t layer, const MoeWeights& moe, View<const float, 2> x,
                          View<float, 2> y) {
  Kernels& k = parts_.kernels;
  const int64_t rows = x.extent[0], chosen = config_.chosen_experts, pairs = rows * chosen;

  const auto logits = router_logits_.view(rows, config_.experts);
  const auto expert = chosen_.view(rows, chosen);
  const auto weight = chosen_weight_.view(rows, chosen);
  k.linear({.x = x, .weight = moe.router, .y = logits, .rounding = Rounding::None});
  parts_.seen("mlp.gate", layer, logits);
  k.router({.logits = logits,
            .bias = moe.bias,
            .score = config_.router_score,
            .group = config_.router_group,
            .groups = config_.router_groups,
            .groups_kept = config_.router_groups_kept,
            .normalise = config_.router_normalise,
            .scale = config_.router_scale,
            .expert = expert,
            .weight = weight});

  const auto first = first_.view(config_.experts + 1);
  const auto token = token_.view(pairs);
  const auto slot = slot_.view(rows, chosen);
  const auto gathered = gathered_.view(pairs, config_.hidden);
  const auto made = made_.view(pairs, config_.hidden);
  const auto gate = gate_.view(pairs, config_.expert_inner);
  const auto up = up_.view(pairs, config_.expert_inner);
  const auto matrices = [](const std::vector<Matrix>& m) {
    return View<const Matrix, 1>{.data = m.data(), .extent = {int64_t(m.size())}};
  };
  k.group_pairs({.expert = expert, .first = first, .token = token, .slot = slot});
  k.gather_rows({.x = x, .token = token, .y = gathered});
  k.grouped_linear({.x = gathered, .weight = matrices(moe.gate), .first = first, .y = gate});
  k.grouped_linear({.x = gathered, .weight = matrices(moe.up), .first = first, .y = up});
  k.swiglu({.gate = gate, .up = up, .y = gate});
  k.grouped_linear({.x = gate, .weight = matrices(moe.down), .first = first, .y = made});

  if (moe.shared.gate.rows > 0)
    dense(moe.shared, x, y);
  else
    k.scale({.y = y, .factor = 0});
  k.combine_experts({.x = made, .slot = slot, .weight = weight, .y = y});
}

}  // namespace model
