#include "training/rope.h"

#include <type_traits>

namespace training {

template <class T>
RopeLayer<T>::RopeLayer(const model::Config& config)
    : positions_(config.positions),
      rope_(config.rope),
      forth_(model::rope_table(config, config.positions)),
      back_(forth_) {
  for (std::size_t i = 1; i < back_.size(); i += 2) back_[i] = -back_[i];
}

template <class T>
void RopeLayer<T>::turn(Arithmetic<T>& arithmetic, View<const int32_t, 1> position,
                        const Part& part, const std::vector<float>& table) const {
  const View<const float, 3> angles{table.data(), {positions_, rope_ / 2, 2}};
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().rope({.x = part.x,
                               .first = part.first,
                               .dim = rope_,
                               .position = position,
                               .table = angles,
                               .pairs = part.pairs});
    arithmetic.kernels().finish();
  } else {
    const bool neighbours = part.pairs == RopePairs::Interleaved;
    for (int64_t t = 0; t < part.x.extent[0]; ++t)
      for (int64_t h = 0; h < part.x.extent[1]; ++h)
        for (int64_t i = 0; i < rope_ / 2; ++i) {
          T& a = part.x(t, h, part.first + (neighbours ? 2 * i : i));
          T& b = part.x(t, h, part.first + (neighbours ? 2 * i + 1 : i + rope_ / 2));
          const T cos = angles(position(t), i, 0), sin = angles(position(t), i, 1);
          const T turned = a * cos - b * sin;
          b = b * cos + a * sin;
          a = turned;
        }
  }
}

template <class T>
void RopeLayer<T>::forward(Arithmetic<T>& arithmetic, View<const int32_t, 1> position,
                           const Part& part) const {
  turn(arithmetic, position, part, forth_);
}

template <class T>
void RopeLayer<T>::backward(Arithmetic<T>& arithmetic, View<const int32_t, 1> position,
                            const Part& gradient) const {
  turn(arithmetic, position, gradient, back_);
}

template class RopeLayer<float>;
template class RopeLayer<double>;

}  // namespace training
