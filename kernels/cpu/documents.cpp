#include "kernels/documents.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

// The definitions of attention and indexer over documents, one query after the other.

namespace {

// Calls body(token, first token of its document, position).
template <class Body>
void for_tokens(const DocumentKeys& keys, const Body& body) {
  for (int64_t d = 0; d + 1 < keys.first.extent[0]; ++d)
    for (int64_t t = keys.first(d); t < keys.first(d + 1); ++t)
      body(t, int64_t(keys.first(d)), t - keys.first(d));
}

int64_t count_of(const DocumentKeys& keys, int64_t t, int64_t position) {
  return keys.all() ? position + 1 : keys.found(t);
}

// The token of the j-th key that t reads.
int64_t key_of(const DocumentKeys& keys, int64_t t, int64_t first, int64_t j) {
  return first + (keys.all() ? j : keys.selected(t, j));
}

template <class T>
T score_of(const DocumentAttention<T>& args, int64_t t, int64_t h, int64_t s) {
  const int64_t rope = args.rope_key.extent[1], nope = args.query.extent[2] - rope;
  T sum = 0;
  for (int64_t c = 0; c < nope; ++c) sum += args.query(t, h, c) * args.key_value(s, h, c);
  for (int64_t c = 0; c < rope; ++c) sum += args.query(t, h, nope + c) * args.rope_key(s, c);
  return args.scale * sum;
}

template <class T>
void probabilities(const DocumentAttentionGradient<T>& args, int64_t t, int64_t first, int64_t h,
                   std::vector<T>& p) {
  const DocumentAttention<T>& f = args.forward;
  for (std::size_t j = 0; j < p.size(); ++j) {
    if (!f.keys.all()) {
      p[j] = f.probability(h, t, int64_t(j));
      continue;
    }
    p[j] =
        std::exp(score_of(f, t, h, first + int64_t(j)) - f.softmax(h, t, 0)) * f.softmax(h, t, 1);
  }
}

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += a[c] * b[c];
  return sum;
}

template <class T>
void fill(T* data, int64_t n) {
  std::fill(data, data + n, T(0));
}

// What one head of token t gives to its query and to all keys that it reads.
template <class T>
void add_gradient(const DocumentAttentionGradient<T>& args, int64_t t, int64_t first, int64_t h,
                  const std::vector<T>& p) {
  const DocumentAttention<T>& f = args.forward;
  const int64_t rope = f.rope_key.extent[1], nope = f.query.extent[2] - rope;
  const int64_t value = f.output.extent[2];
  const int64_t n = int64_t(p.size());
  std::vector<T> dp(p.size());
  T mean = 0;
  for (int64_t j = 0; j < n; ++j) {
    const int64_t s = key_of(f.keys, t, first, j);
    dp[std::size_t(j)] = dot(&args.d_output(t, h, 0), &f.key_value(s, h, nope), value);
    mean += p[std::size_t(j)] * dp[std::size_t(j)];
  }
  for (int64_t j = 0; j < n; ++j) {
    const int64_t s = key_of(f.keys, t, first, j);
    const T ds = f.scale * p[std::size_t(j)] * (dp[std::size_t(j)] - mean);
    for (int64_t c = 0; c < nope; ++c) {
      args.d_query(t, h, c) += ds * f.key_value(s, h, c);
      args.d_key_value(s, h, c) += ds * f.query(t, h, c);
    }
    for (int64_t c = 0; c < rope; ++c) {
      args.d_query(t, h, nope + c) += ds * f.rope_key(s, c);
      args.rope_key_parts(h, s, c) += ds * f.query(t, h, nope + c);
    }
    for (int64_t c = 0; c < value; ++c)
      args.d_key_value(s, h, nope + c) += p[std::size_t(j)] * args.d_output(t, h, c);
  }
}

// to[t] = sum over parts in ascending order.
template <class T>
void sum_parts(const View<T, 3>& parts, const View<T, 2>& to) {
  const int64_t size = to.size();
  fill(to.data, size);
  for (int64_t h = 0; h < parts.extent[0]; ++h)
    for (int64_t i = 0; i < size; ++i) to.data[i] += parts.data[h * size + i];
}

}  // namespace

template <class T>
void cpu::document_attention(const DocumentAttention<T>& args) {
  const int64_t heads = args.query.extent[1], nope = args.query.extent[2] - args.rope_key.extent[1];
  const int64_t value = args.output.extent[2];
  const bool mean = args.mean.size() > 0;
  std::vector<T> p;
  for_tokens(args.keys, [&](int64_t t, int64_t first, int64_t position) {
    const int64_t n = count_of(args.keys, t, position);
    p.resize(std::size_t(n));
    if (mean) fill(args.mean.data + args.keys.row(t), n);
    for (int64_t h = 0; h < heads; ++h) {
      T most = -std::numeric_limits<T>::infinity(), sum = 0;
      for (int64_t j = 0; j < n; ++j) {
        p[std::size_t(j)] = score_of(args, t, h, key_of(args.keys, t, first, j));
        most = std::max(most, p[std::size_t(j)]);
      }
      for (T& x : p) sum += x = std::exp(x - most);
      for (T& x : p) x *= 1 / sum;
      if (args.keys.all()) {
        args.softmax(h, t, 0) = most;
        args.softmax(h, t, 1) = 1 / sum;
      }
      fill(&args.output(t, h, 0), value);
      for (int64_t j = 0; j < n; ++j) {
        const int64_t s = key_of(args.keys, t, first, j);
        const T x = p[std::size_t(j)];
        for (int64_t c = 0; c < value; ++c)
          args.output(t, h, c) += x * args.key_value(s, h, nope + c);
        if (!args.keys.all()) args.probability(h, t, j) = x;
        if (mean) args.mean(args.keys.row(t) + j) += x / T(heads);
      }
    }
  });
}

template <class T>
void cpu::document_attention_gradient(const DocumentAttentionGradient<T>& args) {
  const DocumentAttention<T>& f = args.forward;
  fill(args.d_query.data, args.d_query.size());
  fill(args.d_key_value.data, args.d_key_value.size());
  fill(args.rope_key_parts.data, args.rope_key_parts.size());
  std::vector<T> p;
  for_tokens(f.keys, [&](int64_t t, int64_t first, int64_t position) {
    for (int64_t h = 0; h < f.query.extent[1]; ++h) {
      p.resize(std::size_t(count_of(f.keys, t, position)));
      probabilities(args, t, first, h, p);
      add_gradient(args, t, first, h, p);
    }
  });
  sum_parts(args.rope_key_parts, args.d_rope_key);
}

template <class T>
void cpu::document_scores(const DocumentScores<T>& args) {
  const int64_t heads = args.query.extent[1], dim = args.query.extent[2];
  for_tokens(args.keys, [&](int64_t t, int64_t first, int64_t position) {
    for (int64_t s = 0; s <= position; ++s) {
      T sum = 0;
      for (int64_t h = 0; h < heads; ++h) {
        const T a = dot(&args.query(t, h, 0), &args.key(first + s, 0), dim);
        sum += args.weight(t, h) * (a < 0 ? T(0) : a);  // a NaN stays one
      }
      args.score(args.keys.row(t) + s) = sum;
    }
  });
}

template <class T>
void cpu::document_scores_gradient(const DocumentScoresGradient<T>& args) {
  const int64_t heads = args.query.extent[1], dim = args.query.extent[2];
  fill(args.d_query.data, args.d_query.size());
  fill(args.d_weight.data, args.d_weight.size());
  fill(args.key_parts.data, args.key_parts.size());
  for_tokens(args.keys, [&](int64_t t, int64_t first, int64_t position) {
    for (int64_t j = 0; j < count_of(args.keys, t, position); ++j) {
      const int64_t s = key_of(args.keys, t, first, j);
      const T d_score = args.d_score(args.keys.row(t) + j);
      for (int64_t h = 0; h < heads; ++h) {
        const T a = dot(&args.query(t, h, 0), &args.key(s, 0), dim);
        if (!(a > 0)) continue;
        args.d_weight(t, h) += d_score * a;
        const T da = d_score * args.weight(t, h);
        for (int64_t c = 0; c < dim; ++c) {
          args.d_query(t, h, c) += da * args.key(s, c);
          args.key_parts(h, s, c) += da * args.query(t, h, c);
        }
      }
    }
  });
  sum_parts(args.key_parts, args.d_key);
}

template <class T>
void cpu::document_top_k(const DocumentTopK<T>& args) {
  std::vector<int32_t> order;
  for_tokens(args.keys, [&](int64_t t, int64_t, int64_t position) {
    const T* score = args.score.data + args.keys.row(t);
    if (std::any_of(score, score + position + 1, [](T x) { return std::isnan(x); })) {
      args.found(t) = -1;
      return;
    }
    order.resize(std::size_t(position + 1));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](int32_t i, int32_t j) { return score[i] > score[j]; });
    args.found(t) = std::min(args.k, int32_t(position + 1));
    std::sort(order.begin(), order.begin() + args.found(t));
    std::copy_n(order.begin(), args.found(t), args.selected[t].data);
  });
}

template void cpu::document_attention(const DocumentAttention<float>&);
template void cpu::document_attention(const DocumentAttention<double>&);
template void cpu::document_attention_gradient(const DocumentAttentionGradient<float>&);
template void cpu::document_attention_gradient(const DocumentAttentionGradient<double>&);
template void cpu::document_scores(const DocumentScores<float>&);
template void cpu::document_scores(const DocumentScores<double>&);
template void cpu::document_scores_gradient(const DocumentScoresGradient<float>&);
template void cpu::document_scores_gradient(const DocumentScoresGradient<double>&);
template void cpu::document_top_k(const DocumentTopK<float>&);
template void cpu::document_top_k(const DocumentTopK<double>&);
