#pragma once

#include "kernels/view.h"

// y(i, to + c) = x(i, from + c) for c < count: moves a block of columns between matrices.
struct CopyColumns {
  View<const float, 2> x;
  View<float, 2> y;  // as many rows as x
  int64_t from = 0;
  int64_t to = 0;
  int64_t count = 0;
};

// y = y * factor. A factor of 0 writes zeros, whatever stood there: infinities and NaN too.
struct Scale {
  View<float, 2> y;
  float factor = 1;
};

namespace cpu {
void copy_columns(const CopyColumns& args);
void scale(const Scale& args);
}  // namespace cpu
