#include "model/weight_walk.h"

namespace model {
namespace {

using Role = WeightPlace::Role;

class Walk {
 public:
  Walk(const Config& config, const std::function<void(const WeightPlace&)>& visit)
      : c_(config), visit_(visit) {}

  void layer(int64_t number, LayerWeights& w) {
    prefix_ = "model.layers." + std::to_string(number) + ".";
    vector("input_layernorm.weight", c_.hidden, w.attention_norm);
    attention(w.attention);
    if (c_.sparse()) indexer(w.attention.indexer);
    vector("post_attention_layernorm.weight", c_.hidden, w.mlp_norm);
    if (c_.is_moe(number))
      experts(w.moe);
    else
      mlp("mlp.", c_.dense_inner, w.mlp);
  }

  void vector(const std::string& name, int64_t size, Vector& to) {
    visit_({.name = prefix_ + name, .shape = {size}, .role = Role::Norm, .vector = &to});
  }
  void matrix(const std::string& name, int64_t rows, int64_t cols, Matrix& to,
              Role role = Role::Matrix) {
    visit_({.name = prefix_ + name, .shape = {rows, cols}, .role = role, .matrix = &to});
  }

 private:
  void attention(AttentionWeights& w) {
    const int64_t query = c_.heads * (c_.nope + c_.rope);
    if (c_.query_latent > 0) {
      matrix("self_attn.q_a_proj.weight", c_.query_latent, c_.hidden, w.query_down);
      vector("self_attn.q_a_layernorm.weight", c_.query_latent, w.query_norm);
      matrix("self_attn.q_b_proj.weight", query, c_.query_latent, w.query);
    } else {
      matrix("self_attn.q_proj.weight", query, c_.hidden, w.query);
    }
    matrix("self_attn.kv_a_proj_with_mqa.weight", c_.latent + c_.rope, c_.hidden, w.key_value_down);
    vector("self_attn.kv_a_layernorm.weight", c_.latent, w.latent_norm);
    matrix("self_attn.kv_b_proj.weight", c_.heads * (c_.nope + c_.value), c_.latent, w.key_value);
    matrix("self_attn.o_proj.weight", c_.hidden, c_.heads * c_.value, w.output);
  }

  void indexer(IndexerWeights& w) {
    matrix("self_attn.indexer.wq_b.weight", c_.index_heads * c_.index_dim, c_.query_latent,
           w.query);
    matrix("self_attn.indexer.wk.weight", c_.index_dim, c_.hidden, w.key);
    vector("self_attn.indexer.k_norm.weight", c_.index_dim, w.key_norm);
    vector("self_attn.indexer.k_norm.bias", c_.index_dim, w.key_bias);
    matrix("self_attn.indexer.weights_proj.weight", c_.index_heads, c_.hidden, w.head_weights,
           Role::Exact);
  }

  void mlp(const std::string& name, int64_t inner, Mlp& w) {
    matrix(name + "gate_proj.weight", inner, c_.hidden, w.gate);
    matrix(name + "up_proj.weight", inner, c_.hidden, w.up);
    matrix(name + "down_proj.weight", c_.hidden, inner, w.down);
  }

  void experts(MoeWeights& w) {
    matrix("mlp.gate.weight", c_.experts, c_.hidden, w.router, Role::Exact);
    if (c_.router_bias) vector("mlp.gate.e_score_correction_bias", c_.experts, w.bias);
    for (auto* list : {&w.gate, &w.up, &w.down}) list->resize(std::size_t(c_.experts));
    for (int64_t e = 0; e < c_.experts; ++e) {
      expert(e, "gate_proj.weight", {c_.expert_inner, c_.hidden}, w.gate);
      expert(e, "up_proj.weight", {c_.expert_inner, c_.hidden}, w.up);
      expert(e, "down_proj.weight", {c_.hidden, c_.expert_inner}, w.down);
    }
    if (c_.shared_experts > 0)
      mlp("mlp.shared_experts.", c_.shared_experts * c_.expert_inner, w.shared);
  }

  void expert(int64_t e, const std::string& name, std::vector<int64_t> shape,
              std::vector<Matrix>& list) {
    const std::string experts = prefix_ + "mlp.experts.";
    visit_({.name = experts + std::to_string(e) + "." + name,
            .shape = std::move(shape),
            .role = Role::Expert,
            .matrix = &list[std::size_t(e)],
            .first_of_list = experts + "0." + name});
  }

  const Config& c_;
  const std::function<void(const WeightPlace&)>& visit_;
  std::string prefix_;
};

}  // namespace

void walk_weights(const Config& config, Weights& weights,
                  const std::function<void(const WeightPlace&)>& visit) {
  weights.layer.resize(std::size_t(config.layers));
  Walk walk(config, visit);
  walk.matrix("model.embed_tokens.weight", config.vocabulary, config.hidden, weights.embedding,
              Role::Embedding);
  walk.vector("model.norm.weight", config.hidden, weights.norm);
  if (!config.tied_embeddings)
    walk.matrix("lm_head.weight", config.vocabulary, config.hidden, weights.head);
  for (int64_t layer = 0; layer < config.layers; ++layer)
    walk.layer(layer, weights.layer[std::size_t(layer)]);
}

std::optional<Number> loaded_type(const WeightPlace& place, std::string_view type,
                                  WeightFormat format) {
  const bool may_change = place.role == Role::Matrix || place.role == Role::Expert;
  switch (format) {
    case WeightFormat::AsIs:
      return std::nullopt;
    case WeightFormat::Bfloat16:
      if (type == "BF16" || (!may_change && place.role != Role::Embedding)) return std::nullopt;
      return Number::BF16;
    case WeightFormat::Int8:
      if (!may_change) return std::nullopt;
      return Number::Int8;
  }
  return std::nullopt;
}

}  // namespace model
