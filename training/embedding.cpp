#include "training/embedding.h"

#include <algorithm>
#include <utility>

namespace training {
namespace {

constexpr int64_t kTokensATask = 256;

}  // namespace

template <class T>
void EmbeddingLayer<T>::forward(Arithmetic<T>& arithmetic, std::span<const int32_t> token,
                                View<const T, 2> table, View<T, 2> y) const {
  const int64_t tokens = int64_t(token.size()), dim = table.extent[1];
  arithmetic.threads().run((tokens + kTokensATask - 1) / kTokensATask, [&](int64_t task) {
    const int64_t end = std::min(tokens, (task + 1) * kTokensATask);
    for (int64_t t = task * kTokensATask; t < end; ++t)
      std::copy_n(table[token[std::size_t(t)]].data, dim, y.data + t * dim);
  });
}

template <class T>
void EmbeddingLayer<T>::backward(Arithmetic<T>& arithmetic, std::span<const int32_t> token,
                                 View<const T, 2> dy, View<T, 2> dtable) {
  const int64_t tokens = int64_t(token.size()), ids = dtable.extent[0], dim = dtable.extent[1];
  int32_t* first = first_.vector(ids + 1).data;
  int32_t* order = order_.vector(tokens).data;
  std::fill_n(first, ids + 1, 0);
  for (const int32_t id : token) ++first[id];
  int32_t sum = 0;
  for (int64_t id = 0; id <= ids; ++id) sum += std::exchange(first[id], sum);
  for (int64_t t = 0; t < tokens; ++t) order[first[token[std::size_t(t)]]++] = int32_t(t);
  // first[id] is now where the tokens of id end, so those of the next begin.
  arithmetic.threads().run(ids, [&](int64_t id) {
    T* row = dtable.data + id * dim;
    for (int32_t i = id == 0 ? 0 : first[id - 1]; i < first[id]; ++i) {
      const T* from = dy.data + int64_t(order[i]) * dim;
      for (int64_t c = 0; c < dim; ++c) row[c] += from[c];
    }
  });
}

template class EmbeddingLayer<float>;
template class EmbeddingLayer<double>;

}  // namespace training
