#include "training/document_kernels.h"

namespace training {
namespace {

// Calls plain(), or fast<level>(threads) where there is one.
template <class T, class Plain, class Fast>
void pick([[maybe_unused]] Arithmetic<T>& arithmetic, const Plain& plain,
          [[maybe_unused]] const Fast& fast) {
#if defined(__x86_64__)
  if constexpr (std::is_same_v<T, float>) {
    switch (arithmetic.level()) {
      case Instructions::Avx2:
        return fast.template operator()<Instructions::Avx2>(arithmetic.threads());
      case Instructions::Avx512:
        return fast.template operator()<Instructions::Avx512>(arithmetic.threads());
      case Instructions::Plain:
        break;
    }
  }
#endif
  plain();
}

}  // namespace

template <class T>
void document_attention(Arithmetic<T>& arithmetic, const DocumentAttention<T>& args) {
  pick(
      arithmetic, [&] { cpu::document_attention(args); },
      [&]<Instructions level>([[maybe_unused]] Threads& threads) {
        if constexpr (std::is_same_v<T, float>) simd::document_attention<level>(args, threads);
      });
}

template <class T>
void document_attention_gradient(Arithmetic<T>& arithmetic,
                                 const DocumentAttentionGradient<T>& args) {
  pick(
      arithmetic, [&] { cpu::document_attention_gradient(args); },
      [&]<Instructions level>([[maybe_unused]] Threads& threads) {
        if constexpr (std::is_same_v<T, float>)
          simd::document_attention_gradient<level>(args, threads);
      });
}

template <class T>
void document_scores(Arithmetic<T>& arithmetic, const DocumentScores<T>& args) {
  pick(
      arithmetic, [&] { cpu::document_scores(args); },
      [&]<Instructions level>([[maybe_unused]] Threads& threads) {
        if constexpr (std::is_same_v<T, float>) simd::document_scores<level>(args, threads);
      });
}

template <class T>
void document_scores_gradient(Arithmetic<T>& arithmetic, const DocumentScoresGradient<T>& args) {
  pick(
      arithmetic, [&] { cpu::document_scores_gradient(args); },
      [&]<Instructions level>([[maybe_unused]] Threads& threads) {
        if constexpr (std::is_same_v<T, float>)
          simd::document_scores_gradient<level>(args, threads);
      });
}

template <class T>
void document_top_k(Arithmetic<T>& arithmetic, const DocumentTopK<T>& args) {
  pick(
      arithmetic, [&] { cpu::document_top_k(args); },
      [&]<Instructions level>([[maybe_unused]] Threads& threads) {
        if constexpr (std::is_same_v<T, float>) simd::document_top_k<level>(args, threads);
      });
}

template void document_attention(Arithmetic<float>&, const DocumentAttention<float>&);
template void document_attention(Arithmetic<double>&, const DocumentAttention<double>&);
template void document_attention_gradient(Arithmetic<float>&,
                                          const DocumentAttentionGradient<float>&);
template void document_attention_gradient(Arithmetic<double>&,
                                          const DocumentAttentionGradient<double>&);
template void document_scores(Arithmetic<float>&, const DocumentScores<float>&);
template void document_scores(Arithmetic<double>&, const DocumentScores<double>&);
template void document_scores_gradient(Arithmetic<float>&, const DocumentScoresGradient<float>&);
template void document_scores_gradient(Arithmetic<double>&, const DocumentScoresGradient<double>&);
template void document_top_k(Arithmetic<float>&, const DocumentTopK<float>&);
template void document_top_k(Arithmetic<double>&, const DocumentTopK<double>&);

}  // namespace training
