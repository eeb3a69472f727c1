#include "training/parameters.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string_view>

#include "engine/philox.h"
#include "model/weight_walk.h"
#include "model/weights.h"

namespace training {
namespace {

void require(bool holds, std::string_view what) {
  if (!holds) throw model::Refused("config.json: cannot be trained: " + std::string(what));
}

void check(const model::Config& c) {
  require(c.family == model::Family::DeepseekV32, "model_type must be deepseek_v32");
  require(c.query_latent > 0, "q_lora_rank must be above 0");
  require(c.sparse(), "there must be an indexer (index_n_heads)");
  require(!c.yarn, "rope_scaling must not be there");
  require(!c.tied_embeddings, "tie_word_embeddings must be false");
  if (c.experts == 0) return;
  require(c.router_score == Router::Score::Sigmoid, "scoring_func must be sigmoid");
  require(c.router_group == Router::Group::None || c.router_groups == 1,
          "the router must have no groups (n_group 1)");
  require(c.router_bias, "topk_method must be noaux_tc");
}

bool ends_with(const std::string& name, std::string_view end) {
  return std::string_view(name).ends_with(end);
}

// Deviations. A matrix keeps the size of what it is given: 1 / sqrt(inputs), behind a norm or a
// bounded product. What is added to the residual stream is divided by sqrt(2 layers), so that all
// additions together stay near 1 (GPT-2). The first norm brings an embedding to its size whatever
// its deviation: that decides only how fast AdamW's steps of fixed size turn it, and how much the
// layers, which add some tenths each, weigh beside it.
double deviation_of(const std::string& name, const model::WeightPlace& place,
                    const model::Config& config) {
  constexpr double kEmbedding = 0.1;  // turned in some 50 steps of 2e-3
  constexpr double kHead = 0.2;       // of 1 / sqrt(hidden): first losses near log(vocabulary)
  constexpr double kRouter = 0.5;     // sigmoids near 1/2, where they still turn
  const double unit = 1 / std::sqrt(double(place.shape[1]));
  if (place.role == model::WeightPlace::Role::Embedding) return kEmbedding;
  if (name == "lm_head.weight") return kHead * unit;
  if (ends_with(name, "mlp.gate.weight")) return kRouter * unit;
  if (ends_with(name, "o_proj.weight") || ends_with(name, "down_proj.weight"))
    return unit / std::sqrt(2. * double(config.layers));
  return unit;
}

Parameter::Update update_of(const std::string& name, const model::WeightPlace& place) {
  using Role = model::WeightPlace::Role;
  if (ends_with(name, "e_score_correction_bias")) return Parameter::Update::None;
  const bool is_hidden = place.role == Role::Matrix || place.role == Role::Expert;
  return is_hidden && name != "lm_head.weight" ? Parameter::Update::Muon : Parameter::Update::AdamW;
}

Parameter::Start start_of(const std::string& name, bool vector) {
  if (!vector) return Parameter::Start::Normal;
  return ends_with(name, "bias") ? Parameter::Start::Zeros : Parameter::Start::Ones;
}

Parameter parameter_of(const model::WeightPlace& place, const model::Config& config) {
  Parameter p;
  p.name = place.name;
  p.vector = place.role == model::WeightPlace::Role::Norm;
  p.rows = p.vector ? 1 : place.shape[0];
  p.cols = place.shape.back();
  p.part = p.name.find(".indexer.") == std::string::npos ? Parameter::Part::Main
                                                         : Parameter::Part::Indexer;
  p.update = update_of(p.name, place);
  p.start = start_of(p.name, p.vector);
  if (p.start == Parameter::Start::Normal) p.deviation = deviation_of(p.name, place, config);
  return p;
}

// Where a parameter lies in an arena: experts of one kind one behind the other, so that a view
// spans them; all else in the order of the walk.
struct Group {
  int64_t at;  // in the walk, of the first of its list
  int kind;    // gate, up, down; 0 for what is no expert's
  bool operator<(const Group& other) const {
    return at != other.at ? at < other.at : kind < other.kind;
  }
};

int kind_of(const std::string& name) {
  if (ends_with(name, "gate_proj.weight")) return 0;
  return ends_with(name, "up_proj.weight") ? 1 : 2;
}

// Two normal numbers from two words (Box, Muller 1958).
struct Pair {
  double first, second;
};
Pair normal_pair(uint32_t a, uint32_t b) {
  const double u = (double(a) + 0.5) * 0x1p-32;
  const double angle = 2 * std::numbers::pi * (double(b) + 0.5) * 0x1p-32;
  const double radius = std::sqrt(-2 * std::log(u));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// Numbers i ... i + 3 of the place-th parameter. Deviations beyond 3 are brought back to it.
void normal_numbers(uint64_t seed, int64_t place, int64_t i, double* four) {
  constexpr uint32_t kStream = 0x7E16;  // "weights": apart from other uses of the same seed
  const auto word = engine::philox4x32_10(
      {uint32_t(i / 4), uint32_t(uint64_t(i / 4) >> 32), uint32_t(place), kStream},
      {uint32_t(seed), uint32_t(seed >> 32)});
  const Pair one = normal_pair(word[0], word[1]), two = normal_pair(word[2], word[3]);
  const double all[4] = {one.first, one.second, two.first, two.second};
  for (int j = 0; j < 4; ++j) four[j] = std::clamp(all[j], -3., 3.);
}

}  // namespace

ParameterTable::ParameterTable(const model::Config& config) {
  check(config);
  std::vector<Group> group;
  std::string list;
  int64_t list_at = 0;
  model::Weights shape;
  model::walk_weights(config, shape, [&](const model::WeightPlace& place) {
    const int64_t at = int64_t(all_.size());
    const bool expert = place.role == model::WeightPlace::Role::Expert;
    const std::string layer = place.name.substr(0, place.name.find(".mlp.experts."));
    if (expert && layer != list) {
      list = layer;
      list_at = at;
    }
    all_.push_back(parameter_of(place, config));
    group.push_back(expert ? Group{list_at, kind_of(place.name)} : Group{at, 0});
  });
  std::vector<std::size_t> order(all_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return group[a] < group[b]; });
  for (const std::size_t i : order) {
    all_[i].offset = size_;
    size_ += all_[i].size();
  }
}

const Parameter& ParameterTable::find(std::string_view name) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const Parameter& p) { return p.name == name; });
  if (found == all_.end()) throw std::out_of_range("no parameter " + std::string(name));
  return *found;
}

std::vector<float> initial_weights(const ParameterTable& table, uint64_t seed) {
  std::vector<float> weights(std::size_t(table.size()));
  for (std::size_t place = 0; place < table.all().size(); ++place) {
    const Parameter& p = table.all()[place];
    float* to = weights.data() + p.offset;
    if (p.start != Parameter::Start::Normal) {
      std::fill_n(to, p.size(), p.start == Parameter::Start::Ones ? 1.f : 0.f);
      continue;
    }
    for (int64_t i = 0; i < p.size(); i += 4) {
      double four[4];
      normal_numbers(seed, int64_t(place), i, four);
      for (int64_t j = 0; j < 4 && i + j < p.size(); ++j) to[i + j] = float(p.deviation * four[j]);
    }
  }
  return weights;
}

namespace {

template <class T>
class Viewer {
 public:
  Viewer(const model::Config& config, const ParameterTable& table, std::span<T> arena)
      : config_(config), arena_(arena) {
    for (const Parameter& p : table.all()) by_name_.emplace(p.name, &p);
  }

  ParameterViews<T> all() {
    ParameterViews<T> views;
    views.embedding = matrix("model.embed_tokens.weight");
    views.norm = vector("model.norm.weight");
    views.head = matrix("lm_head.weight");
    for (int64_t i = 0; i < config_.layers; ++i) views.layer.push_back(layer(i));
    return views;
  }

 private:
  const Parameter& find(const std::string& name) const { return *by_name_.at(prefix_ + name); }
  View<T, 2> matrix(const std::string& name) const {
    const Parameter& p = find(name);
    return {arena_.data() + p.offset, {p.rows, p.cols}};
  }
  View<T, 1> vector(const std::string& name) const {
    const Parameter& p = find(name);
    return {arena_.data() + p.offset, {p.cols}};
  }

  LayerViews<T> layer(int64_t number) {
    prefix_ = "model.layers." + std::to_string(number) + ".";
    LayerViews<T> views;
    views.attention_norm = vector("input_layernorm.weight");
    views.attention = attention();
    views.mlp_norm = vector("post_attention_layernorm.weight");
    views.is_moe = config_.is_moe(number);
    if (views.is_moe)
      views.moe = moe();
    else
      views.mlp = mlp("mlp.");
    prefix_.clear();
    return views;
  }

  AttentionViews<T> attention() const {
    AttentionViews<T> views;
    views.query_down = matrix("self_attn.q_a_proj.weight");
    views.query_norm = vector("self_attn.q_a_layernorm.weight");
    views.query = matrix("self_attn.q_b_proj.weight");
    views.key_value_down = matrix("self_attn.kv_a_proj_with_mqa.weight");
    views.latent_norm = vector("self_attn.kv_a_layernorm.weight");
    views.key_value = matrix("self_attn.kv_b_proj.weight");
    views.output = matrix("self_attn.o_proj.weight");
    views.indexer = {.query = matrix("self_attn.indexer.wq_b.weight"),
                     .key = matrix("self_attn.indexer.wk.weight"),
                     .key_norm = vector("self_attn.indexer.k_norm.weight"),
                     .key_bias = vector("self_attn.indexer.k_norm.bias"),
                     .head_weights = matrix("self_attn.indexer.weights_proj.weight")};
    return views;
  }

  MlpViews<T> mlp(const std::string& name) const {
    return {.gate = matrix(name + "gate_proj.weight"),
            .up = matrix(name + "up_proj.weight"),
            .down = matrix(name + "down_proj.weight")};
  }

  // Of all experts: they lie one behind the other.
  View<T, 3> experts(const std::string& name) const {
    const Parameter& p = find("mlp.experts.0." + name);
    return {arena_.data() + p.offset, {config_.experts, p.rows, p.cols}};
  }

  MoeViews<T> moe() const {
    MoeViews<T> views;
    views.router = matrix("mlp.gate.weight");
    views.bias = vector("mlp.gate.e_score_correction_bias");
    views.gate = experts("gate_proj.weight");
    views.up = experts("up_proj.weight");
    views.down = experts("down_proj.weight");
    if (config_.shared_experts > 0) views.shared = mlp("mlp.shared_experts.");
    return views;
  }

  const model::Config& config_;
  std::span<T> arena_;
  std::map<std::string, const Parameter*> by_name_;
  std::string prefix_;
};

}  // namespace

template <class T>
ParameterViews<T> views_of(const model::Config& config, const ParameterTable& table,
                           std::span<T> arena) {
  assert(int64_t(arena.size()) == table.size());
  return Viewer<T>(config, table, arena).all();
}

template ParameterViews<float> views_of(const model::Config&, const ParameterTable&,
                                        std::span<float>);
template ParameterViews<const float> views_of(const model::Config&, const ParameterTable&,
                                              std::span<const float>);
template ParameterViews<double> views_of(const model::Config&, const ParameterTable&,
                                         std::span<double>);
template ParameterViews<const double> views_of(const model::Config&, const ParameterTable&,
                                               std::span<const double>);

}  // namespace training
