#pragma once

#include <span>

#include "training/arithmetic.h"
#include "training/buffer.h"

namespace training {

// y[t] = table[token[t]].
template <class T>
class EmbeddingLayer {
 public:
  // table [vocabulary, hidden], y [tokens, hidden]: written. REQUIRES: 0 <= token < vocabulary.
  void forward(Arithmetic<T>& arithmetic, std::span<const int32_t> token, View<const T, 2> table,
               View<T, 2> y) const;
  // dtable[token[t]] += dy[t]: each row adds its tokens in their order.
  void backward(Arithmetic<T>& arithmetic, std::span<const int32_t> token, View<const T, 2> dy,
                View<T, 2> dtable);

 private:
  Buffer<int32_t> first_, order_;  // [vocabulary + 1], [tokens] sorted by id
};

}  // namespace training
