#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "text/sha256.h"
#include "training/optimiser.h"
#include "training/parameters.h"

namespace training {

// What a training run leaves on the disk: models for everybody, and its own state to go on from.
// All files are written as write_atomically does.

// How matrices are stored. Vectors, the router's bias among them, are always floats: they are few,
// and small differences between biases decide who is chosen.
enum class StoredAs { Bfloat16, Float };

// config.json and model.safetensors, as Hugging Face names them, in `directory`, which is made if
// need be. Other files (tokenizer.json) are the caller's. Throws std::runtime_error.
struct ModelExport {
  std::string_view config_json;
  std::span<const Parameter> parameters;
  std::span<const float> weights;  // an arena
  StoredAs stored_as = StoredAs::Bfloat16;
};
void export_model(const std::filesystem::path& directory, const ModelExport& model);

// The shape a parameter has in files: [experts] of a vector, else [rows, cols]. For tests too.
std::vector<int64_t> stored_shape(const Parameter& parameter);

// All that the next step depends on.
struct TrainingState {
  std::vector<float> weights;  // an arena, with the router's biases
  OptimiserState optimiser{0};
  int64_t step = 0;                 // of the run, over all stages: names the file
  int64_t tokens = 0;               // seen
  std::string stage;                // of the run's plan
  std::vector<uint64_t> counters;   // of random numbers and of data, as the caller orders them
  text::Digest configuration = {};  // of all that must be equal for the state to make sense
};

// A state that cannot be gone on from. One sentence: what, where, what to do.
class StateRefused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr std::size_t kStatesKept = 2;
inline constexpr uint32_t kStateVersion = 1;
inline constexpr std::size_t kStageBytesMax = 256;
inline constexpr std::size_t kCountersMax = 4096;
inline constexpr uint64_t kStateBytesMax = uint64_t(16) << 30;

// Writes state-STEP.bin into `directory`, which is made if need be, then deletes all states but
// those of the kStatesKept highest steps. Returns its path. Throws std::runtime_error.
std::filesystem::path save_state(const std::filesystem::path& directory,
                                 const TrainingState& state);

// The states of `directory`, the highest step first; none if there is no such directory.
std::vector<std::filesystem::path> saved_states(const std::filesystem::path& directory);

// Bit for bit what was saved. Throws StateRefused: another program's file, a newer version, a file
// cut short or longer than it says, a wrong checksum, another configuration or size of the arena.
TrainingState load_state(const std::filesystem::path& file, const text::Digest& configuration,
                         std::size_t numbers);

}  // namespace training
