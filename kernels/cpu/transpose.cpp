#include "kernels/transpose.h"

namespace {

void put(float x, float& y) { y = x; }
void put(float x, Bfloat16& y) { y = to_bfloat16(x); }

}  // namespace

template <class To>
void cpu::transpose(const Transpose<To>& args) {
  const auto [rows, cols] = args.x.extent;
  for (int64_t c = 0; c < cols; ++c)
    for (int64_t r = 0; r < rows; ++r) put(args.x(r, c), args.y(c, r));
}
template void cpu::transpose(const Transpose<float>& args);
template void cpu::transpose(const Transpose<Bfloat16>& args);

void cpu::bfloat16_copy(const Bfloat16Copy& args) {
  for (int64_t i = 0; i < args.x.size(); ++i) put(args.x.data[i], args.y.data[i]);
}
