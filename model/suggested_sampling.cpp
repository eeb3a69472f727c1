#include "model/suggested_sampling.h"

#include "model/files.h"
#include "model/json_fields.h"

namespace model {
namespace {

constexpr const char* kFile = "generation_config.json";
constexpr std::size_t kBytesMax = 1 << 20;
constexpr Limits<double> kTemperature = {0, 10};
constexpr Limits<double> kTopP = {0, 1};

}  // namespace

SuggestedSampling suggested_sampling(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory / kFile, error)) return {};
  const JsonFields fields = JsonFields::parse(read_whole_file(directory / kFile, kBytesMax), kFile);
  SuggestedSampling suggested;
  if (fields.has("temperature")) suggested.temperature = fields.number("temperature", kTemperature);
  if (!fields.flag_or("do_sample", true)) suggested.temperature = 0;
  if (fields.has("top_p")) suggested.top_p = fields.number("top_p", kTopP);
  return suggested;
}

}  // namespace model
