#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/config.h"

namespace golden {

enum class Stored { F32, Bfloat16 };

// Writes DIRECTORY/config.json and DIRECTORY/model.safetensors of a model whose weights are
// computed from their names, as tests/model/golden/make_network.py does.
void write_checkpoint(const std::filesystem::path& directory, const std::string& config_json,
                      Stored stored);

// One weight tensor: see make_network.py, weight().
std::vector<float> weight(const std::string& name, const std::vector<int64_t>& shape);

}  // namespace golden
