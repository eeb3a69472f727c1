#pragma once

#include <filesystem>
#include <optional>

namespace model {

// How a model's makers advise to sample it: generation_config.json, as Hugging Face's libraries and
// vLLM read it.
struct SuggestedSampling {
  std::optional<double> temperature;  // 0 where do_sample is false
  std::optional<double> top_p;
};

// Empty where the file, or a field of it, is not there. Throws Refused: it is not JSON, or a field
// is out of its limits.
SuggestedSampling suggested_sampling(const std::filesystem::path& directory);

}  // namespace model
