#pragma once

#include "kernels/gradient.h"
#include "kernels/transpose.h"

class Threads;

// Training's kernels at a level of instructions: the fast ones, or the twins where there are none.
// In double there are only the twins.
namespace training {

struct Level {
  Instructions instructions;
  Threads& threads;
};

void transpose(Level level, const Transpose<float>& args);
void transpose(Level level, const Transpose<Bfloat16>& args);
void bfloat16_copy(Level level, const Bfloat16Copy& args);
void swiglu_backward(Level level, const SwiGluBackward<float>& args);
void swiglu_backward(Level level, const SwiGluBackward<double>& args);
void rms_norm_backward(Level level, const RmsNormBackward<float>& args);
void rms_norm_backward(Level level, const RmsNormBackward<double>& args);
void combine_backward(Level level, const CombineBackward<float>& args);
void combine_backward(Level level, const CombineBackward<double>& args);
void cross_entropy(Level level, const CrossEntropy<float>& args);
void cross_entropy(Level level, const CrossEntropy<double>& args);
void cross_entropy_backward(Level level, const CrossEntropyBackward<float>& args);
void cross_entropy_backward(Level level, const CrossEntropyBackward<double>& args);

}  // namespace training
