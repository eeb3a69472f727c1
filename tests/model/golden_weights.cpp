#include "tests/model/golden_weights.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/number.h"
#include "model/weights.h"

namespace golden {
namespace {

uint64_t mix(uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

uint64_t name_hash(const std::string& name) {  // FNV-1a
  uint64_t h = 0xCBF29CE484222325u;
  for (const char c : name) h = (h ^ uint8_t(c)) * 0x100000001B3u;
  return h;
}

double uniform(uint64_t hash, uint64_t i) {
  return double(mix(i * 0x9E3779B97F4A7C15u + hash) >> 40) / 0x1p23 - 1;
}

std::string bytes_of(const std::vector<float>& values, Stored stored) {
  std::string bytes;
  if (stored == Stored::F32) {
    bytes.resize(values.size() * 4);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (const float v : values) {
    const uint16_t bits = to_bfloat16(v).bits;
    bytes += char(bits & 0xFF);
    bytes += char(bits >> 8);
  }
  return bytes;
}

}  // namespace

std::vector<float> weight(const std::string& name, const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  const uint64_t hash = name_hash(name);
  std::vector<float> values;
  values.reserve(std::size_t(count));
  for (int64_t i = 0; i < count; ++i) {
    const double u = uniform(hash, uint64_t(i));
    if (name.ends_with("norm.weight"))
      values.push_back(float(1 + 0.25 * u));
    else if (shape.size() == 1)
      values.push_back(float(0.25 * u));
    else if (name == "model.embed_tokens.weight")
      values.push_back(float(u));
    else
      values.push_back(float(2 * u / std::sqrt(double(shape[1]))));
  }
  return values;
}

void write_checkpoint(const std::filesystem::path& directory, const std::string& config_json,
                      Stored stored) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "config.json") << config_json;
  nlohmann::ordered_json header;
  std::string data;
  for (const auto& wanted : model::wanted_tensors(model::parse_config(config_json, ""))) {
    const std::string bytes = bytes_of(weight(wanted.name, wanted.shape), stored);
    header[wanted.name]["dtype"] = stored == Stored::F32 ? "F32" : "BF16";
    header[wanted.name]["shape"] = wanted.shape;
    header[wanted.name]["data_offsets"] = {data.size(), data.size() + bytes.size()};
    data += bytes;
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::ofstream file(directory / "model.safetensors", std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8);
  file << text << data;
}

}  // namespace golden
