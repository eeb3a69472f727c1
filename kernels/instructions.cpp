#include "kernels/instructions.h"

std::string_view to_text(Instructions level) {
  switch (level) {
    case Instructions::Plain:
      return "plain";
    case Instructions::Avx2:
      return "avx2";
    case Instructions::Avx512:
      return "avx512";
  }
  return "";
}

namespace {

// The compiler's own test asks the processor (CPUID) and the operating system (XGETBV) both.
Instructions ask() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi");
  if (avx2 && avx512) return Instructions::Avx512;
  if (avx2) return Instructions::Avx2;
#endif
  return Instructions::Plain;
}

}  // namespace

Instructions best_instructions() {
  static const Instructions best = ask();
  return best;
}
