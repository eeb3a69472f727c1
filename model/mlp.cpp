#include "model/mlp.h"

#include <algorithm>

namespace model {
namespace {

constexpr int64_t kParts = 3;  // of an expert: gate, up and down

int64_t pairs_max(const Parts& parts) {
  return parts.options.rows_max * parts.weights.config.chosen_experts;
}

int64_t inner_numbers(const Parts& parts) {
  const Config& c = parts.weights.config;
  return std::max({parts.options.rows_max * c.dense_inner,
                   parts.options.rows_max * c.shared_experts * c.expert_inner,
                   pairs_max(parts) * c.expert_inner});
}

std::vector<int64_t> places(const Config& config) {
  std::vector<int64_t> places;
  int64_t next = 0;
  for (int64_t layer = 0; layer < config.layers; ++layer)
    places.push_back(config.is_moe(layer) ? next++ : -1);
  return places;
}

int64_t chosen_numbers(const Parts& parts, int64_t mixtures) {
  const bool kept = parts.options.routing == Routing::Record;
  return pairs_max(parts) * (kept ? mixtures : 1);
}

}  // namespace

FeedForward::FeedForward(const Parts& parts)
    : parts_(parts),
      config_(parts.weights.config),
      place_(places(config_)),
      mixtures_(std::count_if(place_.begin(), place_.end(), [](int64_t p) { return p >= 0; })),
      matrices_(parts.kernels.memory(), mixtures_ * kParts * config_.experts),
      gate_(parts.kernels.memory(), inner_numbers(parts)),
      up_(parts.kernels.memory(), inner_numbers(parts)),
      gathered_(parts.kernels.memory(), pairs_max(parts) * config_.hidden),
      made_(parts.kernels.memory(), pairs_max(parts) * config_.hidden),
      router_logits_(parts.kernels.memory(), parts.options.rows_max * config_.experts),
      chosen_weight_(parts.kernels.memory(), pairs_max(parts)),
      chosen_(parts.kernels.memory(), chosen_numbers(parts, mixtures_)),
      first_(parts.kernels.memory(), config_.experts + 1),
      token_(parts.kernels.memory(), pairs_max(parts)),
      slot_(parts.kernels.memory(), pairs_max(parts)) {
  std::vector<Matrix> all;
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    if (!config_.is_moe(layer)) continue;
    const MoeWeights& moe = parts.weights.layer[std::size_t(layer)].moe;
    for (const auto* part : {&moe.gate, &moe.up, &moe.down})
      all.insert(all.end(), part->begin(), part->end());
  }
  matrices_.write(all);
}

View<int32_t, 2> FeedForward::chosen(int64_t layer, int64_t rows) {
  const bool kept = parts_.options.routing == Routing::Record;
  const int64_t place = kept ? place_[std::size_t(layer)] : 0, width = config_.chosen_experts;
  return chosen_.view((place + 1) * rows, width).part(place * rows, rows);
}

View<const Matrix, 1> FeedForward::experts(int64_t layer, Part part) {
  const int64_t place = place_[std::size_t(layer)] * kParts + int64_t(part);
  return View<const Matrix, 2>(matrices_.view(mixtures_ * kParts, config_.experts))[place];
}

void FeedForward::run(int64_t layer, const Step& step, View<const float, 2> normed,
                      View<float, 2> y) {
  if (config_.is_moe(layer))
    mixture(layer, step, normed, y);
  else
    dense(parts_.weights.layer[std::size_t(layer)].mlp, normed, y);
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

void FeedForward::mixture(int64_t layer, const Step& step, View<const float, 2> x,
                          View<float, 2> y) {
  Kernels& k = parts_.kernels;
  const MoeWeights& moe = parts_.weights.layer[std::size_t(layer)].moe;
  const int64_t rows = x.extent[0], chosen_experts = config_.chosen_experts;

  const auto logits = router_logits_.view(rows, config_.experts);
  const auto expert = chosen(layer, step.rows_before).part(0, rows);
  const auto weight = chosen_weight_.view(rows, chosen_experts);
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
  send(layer, expert, x);

  if (moe.shared.gate.rows > 0)
    dense(moe.shared, x, y);
  else
    k.scale({.y = y, .factor = 0});
  k.combine_experts({.x = made_.view(rows * chosen_experts, config_.hidden),
                     .slot = slot_.view(rows, chosen_experts),
                     .weight = weight,
                     .y = y});
}

// What the chosen experts make of the rows, pair by pair.
void FeedForward::send(int64_t layer, View<int32_t, 2> expert, View<const float, 2> x) {
  Kernels& k = parts_.kernels;
  const int64_t pairs = expert.size();
  const auto first = first_.view(config_.experts + 1);
  const auto token = token_.view(pairs);
  const auto gathered = gathered_.view(pairs, config_.hidden);
  const auto gate = gate_.view(pairs, config_.expert_inner);
  const auto up = up_.view(pairs, config_.expert_inner);
  k.group_pairs({.expert = expert,
                 .first = first,
                 .token = token,
                 .slot = slot_.view(expert.extent[0], expert.extent[1])});
  k.gather_rows({.x = x, .token = token, .y = gathered});
  k.grouped_linear(
      {.x = gathered, .weight = experts(layer, Part::Gate), .first = first, .y = gate});
  k.grouped_linear({.x = gathered, .weight = experts(layer, Part::Up), .first = first, .y = up});
  k.swiglu({.gate = gate, .up = up, .y = gate});
  k.grouped_linear({.x = gate,
                    .weight = experts(layer, Part::Down),
                    .first = first,
                    .y = made_.view(pairs, config_.hidden)});
}

}  // namespace model
