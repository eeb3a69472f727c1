#include <fmt/format.h>

#include "model/files.h"
#include "model/stored_weight.h"
#include "model/weight_walk.h"

namespace model {
namespace {

using Role = WeightPlace::Role;

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// What is wrong with a tensor; empty: nothing.
std::string fault_of(const WeightPlace& place, const StoredTensor& tensor,
                     const Checkpoint& checkpoint) {
  const std::string where = fmt::format("{}: tensor {}", tensor.file, place.name);
  if (tensor.shape != place.shape)
    return fmt::format("{} has the shape {}, config.json makes it {}", where,
                       shape_text(tensor.shape), shape_text(place.shape));
  if (place.role == Role::Norm || place.role == Role::Embedding)
    return tensor.type == "F32" || tensor.type == "BF16"
               ? ""
               : fmt::format("{} has the type {}; it must be F32 or BF16", where, tensor.type);
  if (!number_of(tensor.type))
    return fmt::format("{} has the type {}; a matrix must be F32, BF16 or F8_E4M3", where,
                       tensor.type);
  if (place.role == Role::Expert) {
    const StoredTensor* first = checkpoint.find(place.first_of_list);
    if (first && first->type != tensor.type)
      return fmt::format("{} has the type {}, expert 0 of the same layer {}; they must be the same",
                         where, tensor.type, first->type);
  }
  if (tensor.type != "F8_E4M3") return "";
  const std::string name = scale_name(place.name);
  const StoredTensor* scale = checkpoint.find(name);
  if (!scale) return fmt::format("{} is F8_E4M3, but there is no {}", where, name);
  const std::vector<int64_t> shape = scale_shape(place.shape);
  if (scale->shape != shape)
    return fmt::format("{}: tensor {} has the shape {}, the matrix that it scales makes it {}",
                       scale->file, name, shape_text(scale->shape), shape_text(shape));
  if (scale->type != "F32" && scale->type != "BF16")
    return fmt::format("{}: tensor {} has the type {}; scales must be F32 or BF16", scale->file,
                       name, scale->type);
  return "";
}

}  // namespace

std::vector<Wanted> wanted_tensors(const Config& config) {
  std::vector<Wanted> wanted;
  Weights shape;
  walk_weights(config, shape, [&](const WeightPlace& place) {
    const bool vector = place.role == Role::Norm;
    wanted.push_back({.name = place.name,
                      .shape = place.shape,
                      .use = vector ? Wanted::Use::Norm : Wanted::Use::Matrix});
  });
  return wanted;
}

std::vector<std::string> weight_faults(const Config& config, const Checkpoint& checkpoint) {
  std::vector<std::string> faults;
  std::size_t more = 0;
  Weights shape;
  walk_weights(config, shape, [&](const WeightPlace& place) {
    const StoredTensor* tensor = checkpoint.find(place.name);
    std::string fault =
        tensor ? fault_of(place, *tensor, checkpoint)
               : fmt::format("there is no tensor {} {}", place.name, shape_text(place.shape));
    if (fault.empty()) return;
    if (faults.size() < kFaultsMax)
      faults.push_back(std::move(fault));
    else
      ++more;
  });
  if (more > 0) faults.push_back(fmt::format("and {} more", more));
  return faults;
}

int64_t parameters(const Config& config) {
  int64_t count = 0;
  Weights shape;
  walk_weights(config, shape, [&](const WeightPlace& place) { count += numbers_of(place.shape); });
  return count;
}

int64_t active_parameters(const Config& config) {
  int64_t always = 0, expert = 0;
  Weights shape;
  walk_weights(config, shape, [&](const WeightPlace& place) {
    const bool looked_up = place.role == Role::Embedding && !config.tied_embeddings;
    if (!looked_up) (place.role == Role::Expert ? expert : always) += numbers_of(place.shape);
  });
  // All experts of all layers are equally large.
  return always + (config.experts > 0 ? expert / config.experts * config.chosen_experts : 0);
}

}  // namespace model
