#include <algorithm>

#include "model/attention.h"
#include "model/cache.h"
#include "model/convert.h"
#include "model/step.h"
#include "model/stored_weight.h"
#include "model/weight_walk.h"

namespace model {
namespace {

using Role = WeightPlace::Role;

int64_t bytes_of_tensor(const StoredTensor& tensor) { return int64_t(tensor.bytes.size()); }

// Vectors that are not F32 are copied to floats.
int64_t float_copy(const StoredTensor& tensor) {
  return tensor.type == "F32" ? 0 : numbers_of(tensor.shape) * int64_t(sizeof(float));
}

void add(const WeightPlace& place, const StoredTensor& tensor, const Checkpoint& checkpoint,
         WeightFormat format, MemoryNeed& need) {
  if (place.role == Role::Norm) {
    const int64_t copy = float_copy(tensor);
    (copy > 0 ? need.converted_bytes : need.mapped_bytes) +=
        copy > 0 ? copy : bytes_of_tensor(tensor);
    return;
  }
  if (const std::optional<Number> type = loaded_type(place, tensor.type, format)) {
    need.converted_bytes += converted_bytes(place.shape[0], place.shape[1], *type);
    return;
  }
  need.mapped_bytes += bytes_of_tensor(tensor);
  const StoredTensor* scale = checkpoint.find(scale_name(place.name));
  if (tensor.type != "F8_E4M3" || !scale) return;
  if (scale->type == "F32")
    need.mapped_bytes += bytes_of_tensor(*scale);
  else
    need.converted_bytes += float_copy(*scale);
}

// Numbers of four bytes for each row of a step; the scores of the indexer aside.
int64_t numbers_per_row(const Config& c) {
  const int64_t streams = 5 * c.hidden;
  const int64_t query = c.query_latent + c.heads * (c.nope + c.rope);
  const int64_t stored = 2 * (c.latent + c.rope);
  const int64_t absorbed = c.heads * (c.nope + 3 * c.latent + c.rope + c.value);
  const int64_t chosen = c.chosen_experts;
  const int64_t inner =
      std::max({c.dense_inner, c.shared_experts * c.expert_inner, chosen * c.expert_inner});
  const int64_t experts = c.experts + chosen * (2 * c.hidden + 4);
  const int64_t indexer =
      c.index_heads * (c.index_dim + 1) + c.index_dim + std::max<int64_t>(c.index_top_k, 1);
  return streams + query + stored + absorbed + 2 * inner + experts + indexer;
}

// Beside activations: logits, what a step is told of its rows, where the experts' matrices are, and
// what is lost because everything begins at an address of its own.
int64_t device_extra(const Config& config, const NetworkOptions& options) {
  constexpr int64_t kBuffers = 64;
  int64_t pieces = kBuffers;
  Weights shape;
  walk_weights(config, shape, [&](const WeightPlace&) { pieces += 2; });  // scales too
  return std::min(options.rows_max, Network::kLogitsRows) * config.vocabulary *
             int64_t(sizeof(float)) +
         StepInputs::bytes_max(config, options, Memory::Reach::Device) +
         3 * config.layers * config.experts * int64_t(sizeof(Matrix)) +
         (config.experts + 1) * int64_t(sizeof(int32_t)) + pieces * Memory::kAlignment;
}

}  // namespace

MemoryNeed memory_need(const Config& config, const Checkpoint& checkpoint,
                       const MemoryAsked& asked) {
  const int64_t rows = asked.rows, context = asked.context;
  MemoryNeed need;
  Weights shape;
  bool in_floats = asked.weights == WeightFormat::AsIs;
  walk_weights(config, shape, [&](const WeightPlace& place) {
    const StoredTensor* tensor = checkpoint.find(place.name);
    if (!tensor) return;  // a fault, which weight_faults names
    add(place, *tensor, checkpoint, asked.weights, need);
    if (place.role == Role::Matrix && tensor->type != "F32") in_floats = false;
  });
  const Number cached = in_floats ? Number::F32 : Number::BF16;
  need.cache_bytes_per_token = CacheFormat::of(config, cached, asked.latents).bytes_per_token();
  const NetworkOptions options{.rows_max = rows, .context_max = context};
  const int64_t angles = context * config.rope;
  need.work_bytes =
      (rows * numbers_per_row(config) + Attention::scores_kept(config, options) + angles) *
      int64_t(sizeof(float));
  need.device_bytes = device_extra(config, options);
  return need;
}

}  // namespace model
