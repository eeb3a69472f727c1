#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// Attention and indexer over whole documents, for training: forward passes that a backward pass can
// follow. Documents lie one behind the other; a token sees those of its own document up to itself.
// Float has fast versions; double judges gradients.

// Where the documents lie, and which keys each token reads.
struct DocumentKeys {
  View<const int32_t, 1> first;  // [documents + 1] of the first token of each, then the tokens

  // Keys chosen for each token, as positions in its document, ascending; k = 0: all that it sees.
  View<const int32_t, 2> selected;  // [tokens, k]
  View<const int32_t, 1> found;     // [tokens]

  // A number for each token and each key that it reads, in their order: the row of token t begins
  // at row(t). Rows of numbers for all visible keys have room for a multiple of kRowNumbers, so
  // that registers may be written whole.
  View<const int64_t, 1> row;  // [tokens]

  static constexpr int64_t kRowNumbers = 32;

  bool all() const { return selected.extent[1] == 0; }
};

// For each head h, token t and key s that t reads:
//   score = scale * (q[t, h] . (nope key[s, h] | rope key[s])),  P = softmax of scores over s,
//   output[t, h] = sum_s P[s] value[s, h].
template <class T>
struct DocumentAttention {
  DocumentKeys keys;
  View<const T, 3> query;      // [tokens, heads, nope + rope]
  View<const T, 3> key_value;  // [tokens, heads, nope + value]
  View<const T, 2> rope_key;   // [tokens, rope]: one for all heads
  T scale = 1;
  View<T, 3> output;  // [tokens, heads, value]  written

  // For the backward pass. Probabilities of chosen keys are kept; over all keys they are made again
  // from each softmax's largest score and the reciprocal of its sum.
  View<T, 3> probability;  // [heads, tokens, k rounded up to kRowNumbers]  written if not all keys
  View<T, 3> softmax;      // [heads, tokens, 2]  written if all keys

  // Mean of P over the heads, in rows of keys.row. May be empty: not asked for.
  View<T, 1> mean;
};

// dS = P (dP - sum P dP) and so on; the gradient of the rope key is summed over heads.
template <class T>
struct DocumentAttentionGradient {
  DocumentAttention<T> forward;  // as it was left
  View<const T, 3> d_output;     // [tokens, heads, value]
  View<T, 3> d_query;            // [tokens, heads, nope + rope]  written
  View<T, 3> d_key_value;        // [tokens, heads, nope + value]  written
  View<T, 2> d_rope_key;         // [tokens, rope]  written
  View<T, 3> rope_key_parts;     // [heads, tokens, rope]  what each head adds, written
};

// score[t, s] = sum_h weight[t, h] * max(0, query[t, h] . key[s]) for all s that t sees: the
// indexer's, with the order of sums of kernels/indexer.h.
template <class T>
struct DocumentScores {
  DocumentKeys keys;        // all
  View<const T, 3> query;   // [tokens, heads, dim]
  View<const T, 2> key;     // [tokens, dim]
  View<const T, 2> weight;  // [tokens, heads]
  View<T, 1> score;         // rows  written
};

// The k best scores of each token, by the rule of kernels/top_k.h: -0 equals 0, of equal scores the
// lower index wins, indices come out in ascending order, and a row with a NaN has found = -1.
template <class T>
struct DocumentTopK {
  DocumentKeys keys;       // all
  View<const T, 1> score;  // rows
  int32_t k = 0;
  View<int32_t, 2> selected;  // [tokens, k]  written up to found
  View<int32_t, 1> found;     // [tokens]  written: min(k, visible), or -1
};

// From the gradients of the scores of the keys that each token reads.
template <class T>
struct DocumentScoresGradient {
  DocumentKeys keys;
  View<const T, 3> query;
  View<const T, 2> key;
  View<const T, 2> weight;
  View<const T, 1> d_score;  // rows
  View<T, 3> d_query;        // [tokens, heads, dim]  written
  View<T, 2> d_key;          // [tokens, dim]  written
  View<T, 2> d_weight;       // [tokens, heads]  written
  View<T, 3> key_parts;      // [heads, tokens, dim]  what each head adds, written
};

namespace cpu {
template <class T>
void document_attention(const DocumentAttention<T>& args);
template <class T>
void document_attention_gradient(const DocumentAttentionGradient<T>& args);
template <class T>
void document_scores(const DocumentScores<T>& args);
template <class T>
void document_scores_gradient(const DocumentScoresGradient<T>& args);
template <class T>
void document_top_k(const DocumentTopK<T>& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void document_attention(const DocumentAttention<float>& args, Threads& threads);
template <Instructions level>
void document_attention_gradient(const DocumentAttentionGradient<float>& args, Threads& threads);
template <Instructions level>
void document_scores(const DocumentScores<float>& args, Threads& threads);
template <Instructions level>
void document_scores_gradient(const DocumentScoresGradient<float>& args, Threads& threads);
template <Instructions level>
void document_top_k(const DocumentTopK<float>& args, Threads& threads);
}  // namespace simd
