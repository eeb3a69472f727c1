#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/weights.h"

namespace model {

// All there is to say about a model directory before it is run; nothing of the weights is read.
struct Inspection {
  // Reading on for a person: "attention" "latent of 512 + 64, 128 heads, ...".
  struct Line {
    std::string name;
    std::string text;
  };
  struct Stored {
    std::string type;
    int64_t tensors = 0;
    int64_t bytes = 0;
  };
  struct Need {
    WeightFormat format = WeightFormat::AsIs;
    MemoryNeed memory;
  };

  Config config;
  std::vector<Line> architecture;
  int64_t parameters = 0;
  int64_t active_parameters = 0;
  std::vector<Stored> stored;  // by type, in the order of the alphabet
  int64_t tensors = 0;
  int64_t bytes = 0;
  std::vector<Need> needs;                   // of every WeightFormat, with latents as they are
  int64_t float8_cache_bytes_per_token = 0;  // with the latents as records
  int64_t mtp_tensors = 0;                   // of the layers after the last: recognised, not run

  // Tensors that nothing asks for; at most kFaultsMax are listed.
  std::vector<std::string> unknown;
  int64_t unknown_more = 0;

  std::vector<std::string> faults;  // as of weight_faults; empty: it can be loaded
  std::string identity;             // as of model_identity
  enum class File { Missing, There } tokenizer = File::Missing;  // tokenizer.json
};

struct InspectOptions {
  int64_t rows = 512;                   // of a step, for the memory that work needs
  std::optional<int64_t> context = {};  // nothing: the model's
};

// Throws Refused if config.json or a header cannot be used; what is wrong with tensors is listed.
Inspection inspect(const std::filesystem::path& directory, const InspectOptions& options);

std::string_view to_text(WeightFormat format);  // "as-is", "bf16", "q8"
std::string_view to_text(LatentFormat format);  // "as-is", "fp8"

}  // namespace model
