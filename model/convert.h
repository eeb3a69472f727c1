#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/weights.h"

namespace model {

// A matrix that load replaces by a copy in another type.
struct Conversion {
  std::string name;  // for messages
  Matrix* matrix = nullptr;
  Number type = Number::BF16;  // BF16 or Int8
};

// The bytes of the copy, scales included.
int64_t converted_bytes(int64_t rows, int64_t cols, Number type);

// Converts all of them, on all cores, and appends to `owners` whom the copies belong to. Int8 has a
// scale for each row and Matrix::kBlock columns: the largest magnitude / 127. Throws Refused: the
// memory cannot be had, or a number that becomes Int8 is NaN or infinite.
void convert(const std::vector<Conversion>& conversions,
             std::vector<std::shared_ptr<const void>>& owners);

}  // namespace model
