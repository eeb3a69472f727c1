#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/matrix.h"

namespace model {

// How a safetensors type is called by kernels, if they can multiply with it.
inline std::optional<Number> number_of(std::string_view type) {
  if (type == "F32") return Number::F32;
  if (type == "BF16") return Number::BF16;
  if (type == "F8_E4M3") return Number::FP8;
  return std::nullopt;
}

// The scales of an FP8 matrix; they are multiplied with, whatever the name says.
inline std::string scale_name(std::string_view weight) {
  return std::string(weight) + "_scale_inv";
}

// One scale for each block of an FP8 matrix; blocks at the edges are cut.
inline std::vector<int64_t> scale_shape(const std::vector<int64_t>& shape) {
  std::vector<int64_t> blocks = shape;
  for (int64_t& extent : blocks) extent = (extent + Matrix::kBlock - 1) / Matrix::kBlock;
  return blocks;
}

inline int64_t numbers_of(const std::vector<int64_t>& shape) {
  int64_t numbers = 1;
  for (const int64_t extent : shape) numbers *= extent;
  return numbers;
}

}  // namespace model
