#include <algorithm>

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

// Floats for each row of a step: residual stream, projections, absorbed queries and what they
// attended to, gathered experts, the indexer's queries and its scores of every token seen.
int64_t floats_per_row(const Config& config, int64_t context) {
  const int64_t streams = 4 * config.hidden;
  const int64_t query = config.query_latent + config.heads * (config.nope + config.rope);
  const int64_t absorbed = config.heads * (2 * config.latent + config.rope + config.value);
  const int64_t dense = 2 * config.dense_inner;
  const int64_t shared = 2 * config.shared_experts * config.expert_inner;
  const int64_t chosen = config.chosen_experts * (2 * config.hidden + 2 * config.expert_inner);
  const int64_t experts = config.experts + chosen + shared;
  const int64_t indexer = config.sparse()
                              ? config.index_heads * (config.index_dim + 1) + config.index_dim +
                                    int64_t(config.index_top_k) + context
                              : 0;
  return streams + query + absorbed + config.latent + config.rope + std::max(dense, experts) +
         indexer;
}

}  // namespace

MemoryNeed memory_need(const Config& config, const Checkpoint& checkpoint, WeightFormat format,
                       int64_t rows, int64_t context) {
  MemoryNeed need;
  Weights shape;
  bool in_floats = format == WeightFormat::AsIs;
  walk_weights(config, shape, [&](const WeightPlace& place) {
    const StoredTensor* tensor = checkpoint.find(place.name);
    if (!tensor) return;  // a fault, which weight_faults names
    add(place, *tensor, checkpoint, format, need);
    if (place.role == Role::Matrix && tensor->type != "F32") in_floats = false;
  });
  const Number cached = in_floats ? Number::F32 : Number::BF16;
  need.cache_bytes_per_token = CacheFormat::of(config, cached).bytes_per_token();
  const int64_t angles = context * config.rope;
  need.work_bytes = (rows * floats_per_row(config, context) + angles) * int64_t(sizeof(float));
  const NetworkOptions options{.rows_max = rows, .context_max = context};
  need.device_bytes =
      std::min(rows, Network::kLogitsRows) * config.vocabulary * int64_t(sizeof(float)) +
      StepInputs::bytes_max(config, options, Memory::Reach::Device) +
      3 * config.layers * config.experts * int64_t(sizeof(Matrix));
  return need;
}

}  // namespace model
