#pragma once

#include <string_view>

// Which fast kernels this processor can run. Results are equal to the bit within one level only,
// so the level is part of a model's identity in the ledger.
enum class Instructions {
  Plain,   // the defining twins: any processor, very slow
  Avx2,    // AVX2, FMA
  Avx512,  // AVX-512 F, BW, DQ, VL, BF16, VBMI
};

std::string_view to_text(Instructions level);  // "plain", "avx2", "avx512"

// The best that the processor and the operating system offer. Asked once.
Instructions best_instructions();
