#pragma once

#include <vector>

#include "model/config.h"
#include "training/arithmetic.h"

namespace training {

// Rotary positions (kernels/rope.h) and back: turning by the opposite angle is both the inverse and
// the gradient.
template <class T>
class RopeLayer {
 public:
  // For positions below config.positions.
  explicit RopeLayer(const model::Config& config);

  // dims first ... first + rope - 1 of each vector of x [tokens, heads, width] change.
  struct Part {
    View<T, 3> x;
    int64_t first = 0;
    RopePairs pairs = RopePairs::Interleaved;
  };
  void forward(Arithmetic<T>& arithmetic, View<const int32_t, 1> position, const Part& part) const;
  void backward(Arithmetic<T>& arithmetic, View<const int32_t, 1> position,
                const Part& gradient) const;

 private:
  void turn(Arithmetic<T>& arithmetic, View<const int32_t, 1> position, const Part& part,
            const std::vector<float>& table) const;

  int64_t positions_, rope_;
  std::vector<float> forth_, back_;  // [positions, rope / 2, 2]: cos, sin
};

}  // namespace training
