#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstring>

#include "kernels/number.h"
#include "model/checkpoint.h"
#include "training/atomic_file.h"
#include "training/checkpoint.h"

// The safetensors format: the header's length in 8 bytes, the header, which is JSON, then the
// tensors without gaps. Tested in tests/training/checkpoint_test.cpp, by the reader of model/.

namespace training {

namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

bool as_bfloat16(const Parameter& parameter, StoredAs stored_as) {
  return stored_as == StoredAs::Bfloat16 && !parameter.vector;
}

int64_t stored_bytes(const Parameter& parameter, StoredAs stored_as) {
  return parameter.size() * (as_bfloat16(parameter, stored_as) ? 2 : 4);
}

// Names are our own, of the architecture's table; one with a quote would be a bug.
std::string header_of(std::span<const Parameter> parameters, StoredAs stored_as) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  int64_t begin = 0;
  for (const Parameter& p : parameters) {
    if (p.name.find_first_of("\"\\") != std::string::npos)
      throw std::logic_error("a tensor's name cannot be written as JSON: " + p.name);
    const int64_t end = begin + stored_bytes(p, stored_as);
    header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", p.name,
                          as_bfloat16(p, stored_as) ? "BF16" : "F32",
                          fmt::join(stored_shape(p), ","), begin, end);
    begin = end;
  }
  header += "}";
  while (header.size() % 8 != 0) header += ' ';  // so that the tensors are aligned
  return header;
}

void append(std::string& data, const Parameter& p, std::span<const float> weights,
            StoredAs stored_as) {
  const auto mine = weights.subspan(std::size_t(p.offset), std::size_t(p.size()));
  if (!as_bfloat16(p, stored_as)) {
    data.append(reinterpret_cast<const char*>(mine.data()), mine.size_bytes());
    return;
  }
  for (const float number : mine) {
    const Bfloat16 rounded = to_bfloat16(number);
    data.append(reinterpret_cast<const char*>(&rounded), sizeof rounded);
  }
}

}  // namespace

std::vector<int64_t> stored_shape(const Parameter& parameter) {
  if (parameter.vector) return {parameter.size()};
  return {parameter.rows, parameter.cols};
}

void export_model(const std::filesystem::path& directory, const ModelExport& model) {
  // Floats first: whatever the sizes, they then begin at a multiple of four bytes.
  std::vector<Parameter> ordered;
  for (const Parameter& p : model.parameters)
    if (!as_bfloat16(p, model.stored_as)) ordered.push_back(p);
  for (const Parameter& p : model.parameters)
    if (as_bfloat16(p, model.stored_as)) ordered.push_back(p);

  const std::string header = header_of(ordered, model.stored_as);
  const uint64_t header_bytes = header.size();
  std::string length(sizeof header_bytes, '\0'), data;
  std::memcpy(length.data(), &header_bytes, sizeof header_bytes);
  for (const Parameter& p : ordered) append(data, p, model.weights, model.stored_as);

  std::filesystem::create_directories(directory);
  const std::string_view parts[] = {length, header, data}, config[] = {model.config_json};
  write_atomically(directory / "model.safetensors", parts);
  write_atomically(directory / "config.json", config);
}

}  // namespace training
