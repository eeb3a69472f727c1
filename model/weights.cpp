#include "model/weights.h"

#include <cstring>
#include <optional>

#include "model/convert.h"
#include "model/files.h"
#include "model/stored_weight.h"
#include "model/weight_walk.h"
#include "text/sha256.h"

namespace model {
namespace {

using Role = WeightPlace::Role;

class Loader {
 public:
  Loader(Weights& weights, WeightFormat format) : weights_(weights), format_(format) {}

  void place(const WeightPlace& place) {
    const StoredTensor& tensor = *weights_.checkpoint->find(place.name);
    if (place.role == Role::Norm) {
      *place.vector = {.data = floats(tensor), .extent = {place.shape[0]}};
      return;
    }
    *place.matrix = matrix(place, tensor);
    if (const std::optional<Number> type = loaded_type(place, tensor.type, format_))
      conversions_.push_back({.name = place.name, .matrix = place.matrix, .type = *type});
  }

  void convert_all() { convert(conversions_, weights_.converted); }

 private:
  Matrix matrix(const WeightPlace& place, const StoredTensor& tensor) {
    Matrix matrix{.type = *number_of(tensor.type),
                  .rows = place.shape[0],
                  .cols = place.shape[1],
                  .data = aligned(tensor, *number_of(tensor.type))};
    if (matrix.type != Number::FP8) return matrix;
    const StoredTensor& scale = *weights_.checkpoint->find(scale_name(place.name));
    matrix.scale = {.data = floats(scale), .extent = {scale.shape[0], scale.shape[1]}};
    return matrix;
  }

  // In place, as a rule: the format's library aligns what it writes, but the format does not.
  const void* aligned(const StoredTensor& tensor, Number type) {
    const unsigned char* data = tensor.bytes.data();
    if (reinterpret_cast<uintptr_t>(data) % std::size_t(bytes_of(type)) == 0) return data;
    const auto copy = std::make_shared_for_overwrite<unsigned char[]>(tensor.bytes.size());
    std::memcpy(copy.get(), data, tensor.bytes.size());
    weights_.converted.push_back(copy);
    return copy.get();
  }

  // In place if they are floats at an address for floats, else a copy.
  const float* floats(const StoredTensor& tensor) {
    const bool aligned = reinterpret_cast<uintptr_t>(tensor.bytes.data()) % alignof(float) == 0;
    if (tensor.type == "F32" && aligned) return reinterpret_cast<const float*>(tensor.bytes.data());
    const int64_t count = numbers_of(tensor.shape);
    const auto copy = std::make_shared_for_overwrite<float[]>(std::size_t(count));
    if (tensor.type == "F32") {
      std::memcpy(copy.get(), tensor.bytes.data(), tensor.bytes.size());
    } else {
      for (int64_t i = 0; i < count; ++i) {
        Bfloat16 number;
        std::memcpy(&number, tensor.bytes.data() + i * int64_t(sizeof number), sizeof number);
        copy[i] = to_float(number);
      }
    }
    weights_.converted.push_back(copy);
    return copy.get();
  }

  Weights& weights_;
  WeightFormat format_;
  std::vector<Conversion> conversions_;
};

}  // namespace

Weights load_weights(const Config& config, std::shared_ptr<const Checkpoint> checkpoint,
                     WeightFormat format) {
  const std::vector<std::string> faults = weight_faults(config, *checkpoint);
  if (!faults.empty()) throw Refused(faults.front());
  Weights weights;
  weights.config = config;
  weights.checkpoint = std::move(checkpoint);
  Loader loader(weights, format);
  walk_weights(config, weights, [&](const WeightPlace& place) { loader.place(place); });
  loader.convert_all();
  if (config.tied_embeddings) weights.head = weights.embedding;
  return weights;
}

std::string model_identity(const std::filesystem::path& directory, const Checkpoint& checkpoint) {
  std::string facts = text::sha256_hex(read_whole_file(directory / "config.json", kConfigBytesMax));
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    facts +=
        "\n" + name + "\n" + tensor.type + " " + tensor.file + " " + std::to_string(tensor.offset);
    for (const int64_t extent : tensor.shape) facts += " " + std::to_string(extent);
  }
  return text::sha256_hex(facts);
}

}  // namespace model
