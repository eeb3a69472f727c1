#include "training/engine_weights.h"

#include <fmt/format.h>

#include <cstring>

#include "kernels/number.h"
#include "training/checkpoint.h"

namespace training {
namespace {

Matrix matrix(View<const float, 2> w) {
  return {.type = Number::F32, .rows = w.extent[0], .cols = w.extent[1], .data = w.data};
}

model::Mlp mlp(const MlpViews<const float>& w) {
  return {.gate = matrix(w.gate), .up = matrix(w.up), .down = matrix(w.down)};
}

model::AttentionWeights attention(const AttentionViews<const float>& w) {
  const IndexerViews<const float>& i = w.indexer;
  return {.query_down = matrix(w.query_down),
          .query_norm = w.query_norm,
          .query = matrix(w.query),
          .key_value_down = matrix(w.key_value_down),
          .latent_norm = w.latent_norm,
          .key_value = matrix(w.key_value),
          .output = matrix(w.output),
          .indexer = {.query = matrix(i.query),
                      .key = matrix(i.key),
                      .key_norm = i.key_norm,
                      .key_bias = i.key_bias,
                      .head_weights = matrix(i.head_weights)}};
}

model::MoeWeights moe(const model::Config& config, const MoeViews<const float>& w) {
  model::MoeWeights weights{.router = matrix(w.router),
                            .bias = w.bias,
                            .gate = {},
                            .up = {},
                            .down = {},
                            .shared = mlp(w.shared)};
  for (int64_t e = 0; e < config.experts; ++e) {
    weights.gate.push_back(matrix(w.gate[e]));
    weights.up.push_back(matrix(w.up[e]));
    weights.down.push_back(matrix(w.down[e]));
  }
  return weights;
}

}  // namespace

model::Weights engine_weights(const model::Config& config,
                              const ParameterViews<const float>& views) {
  model::Weights weights{.config = config,
                         .embedding = matrix(views.embedding),
                         .head = matrix(views.head),
                         .norm = views.norm,
                         .layer = {},
                         .checkpoint = {},
                         .converted = {}};
  for (const LayerViews<const float>& l : views.layer) {
    model::LayerWeights layer{.attention_norm = l.attention_norm,
                              .mlp_norm = l.mlp_norm,
                              .attention = attention(l.attention),
                              .mlp = {},
                              .moe = {}};
    if (l.is_moe)
      layer.moe = moe(config, l.moe);
    else
      layer.mlp = mlp(l.mlp);
    weights.layer.push_back(std::move(layer));
  }
  return weights;
}

std::vector<float> read_weights(const std::filesystem::path& directory,
                                const ParameterTable& table) {
  const auto checkpoint = model::Checkpoint::open(directory);
  std::vector<float> weights(std::size_t(table.size()));
  for (const Parameter& p : table.all()) {
    const model::StoredTensor* stored = checkpoint->find(p.name);
    if (!stored)
      throw model::Refused(fmt::format("{}: there is no tensor {}", directory.string(), p.name));
    if (stored->shape != stored_shape(p) || (stored->type != "F32" && stored->type != "BF16"))
      throw model::Refused(
          fmt::format("{}: {} must be F32 or BF16 and of the shape that config.json says; it is {}",
                      stored->file, p.name, stored->type));
    float* to = weights.data() + p.offset;
    if (stored->type == "F32") {
      std::memcpy(to, stored->bytes.data(), stored->bytes.size());
      continue;
    }
    for (int64_t i = 0; i < p.size(); ++i) {
      Bfloat16 number;
      std::memcpy(&number, stored->bytes.data() + i * int64_t(sizeof number), sizeof number);
      to[i] = to_float(number);
    }
  }
  return weights;
}

}  // namespace training
