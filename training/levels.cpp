#include "training/levels.h"

namespace training {
namespace {

// Calls plain(), or fast<level>().
template <class Plain, class Fast>
void pick(Instructions level, const Plain& plain, [[maybe_unused]] const Fast& fast) {
  switch (level) {
#if defined(__x86_64__)
    case Instructions::Avx2:
      return fast.template operator()<Instructions::Avx2>();
    case Instructions::Avx512:
      return fast.template operator()<Instructions::Avx512>();
#endif
    default:
      return plain();
  }
}

}  // namespace

void transpose(Level level, const Transpose<float>& args) {
  pick(
      level.instructions, [&] { cpu::transpose(args); },
      [&]<Instructions l>() { simd::transpose<l>(args, level.threads); });
}

void transpose(Level level, const Transpose<Bfloat16>& args) {
  pick(
      level.instructions, [&] { cpu::transpose(args); },
      [&]<Instructions l>() { simd::transpose<l>(args, level.threads); });
}

void bfloat16_copy(Level level, const Bfloat16Copy& args) {
  pick(
      level.instructions, [&] { cpu::bfloat16_copy(args); },
      [&]<Instructions l>() { simd::bfloat16_copy<l>(args, level.threads); });
}

void swiglu_backward(Level level, const SwiGluBackward<float>& args) {
  pick(
      level.instructions, [&] { cpu::swiglu_backward(args); },
      [&]<Instructions l>() { simd::swiglu_backward<l>(args, level.threads); });
}
void swiglu_backward(Level, const SwiGluBackward<double>& args) { cpu::swiglu_backward(args); }

void rms_norm_backward(Level level, const RmsNormBackward<float>& args) {
  pick(
      level.instructions, [&] { cpu::rms_norm_backward(args); },
      [&]<Instructions l>() { simd::rms_norm_backward<l>(args, level.threads); });
}
void rms_norm_backward(Level, const RmsNormBackward<double>& args) { cpu::rms_norm_backward(args); }

void combine_backward(Level level, const CombineBackward<float>& args) {
  pick(
      level.instructions, [&] { cpu::combine_backward(args); },
      [&]<Instructions l>() { simd::combine_backward<l>(args, level.threads); });
}
void combine_backward(Level, const CombineBackward<double>& args) { cpu::combine_backward(args); }

void cross_entropy(Level level, const CrossEntropy<float>& args) {
  pick(
      level.instructions, [&] { cpu::cross_entropy(args); },
      [&]<Instructions l>() { simd::cross_entropy<l>(args, level.threads); });
}
void cross_entropy(Level, const CrossEntropy<double>& args) { cpu::cross_entropy(args); }

void cross_entropy_backward(Level level, const CrossEntropyBackward<float>& args) {
  pick(
      level.instructions, [&] { cpu::cross_entropy_backward(args); },
      [&]<Instructions l>() { simd::cross_entropy_backward<l>(args, level.threads); });
}
void cross_entropy_backward(Level, const CrossEntropyBackward<double>& args) {
  cpu::cross_entropy_backward(args);
}

}  // namespace training
