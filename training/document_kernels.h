#pragma once

#include "kernels/documents.h"
#include "training/arithmetic.h"

namespace training {

// kernels/documents.h at the arithmetic's level.
template <class T>
void document_attention(Arithmetic<T>& arithmetic, const DocumentAttention<T>& args);
template <class T>
void document_attention_gradient(Arithmetic<T>& arithmetic,
                                 const DocumentAttentionGradient<T>& args);
template <class T>
void document_scores(Arithmetic<T>& arithmetic, const DocumentScores<T>& args);
template <class T>
void document_scores_gradient(Arithmetic<T>& arithmetic, const DocumentScoresGradient<T>& args);
template <class T>
void document_top_k(Arithmetic<T>& arithmetic, const DocumentTopK<T>& args);

}  // namespace training
