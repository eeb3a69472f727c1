#include "training/moe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "training/levels.h"

namespace training {
namespace {

constexpr int64_t kTokensATask = 256;

int64_t tasks_of(int64_t tokens) { return (tokens + kTokensATask - 1) / kTokensATask; }

template <class Body>
void for_tokens(Threads& threads, int64_t tokens, const Body& body) {
  threads.run(tasks_of(tokens), [&](int64_t task) {
    const int64_t end = std::min(tokens, (task + 1) * kTokensATask);
    for (int64_t t = task * kTokensATask; t < end; ++t) body(t);
  });
}

template <class T>
T sigmoid(T x) {
  const T small = std::exp(-std::abs(x));
  return (x >= 0 ? T(1) : small) / (1 + small);
}

// The `chosen` largest of score + bias in descending order; of equal ones the lower index, NaN
// last.
template <class T>
void choose_largest(const T* score, const T* bias, int64_t experts, int64_t chosen,
                    int32_t* expert) {
  const auto rank = [&](int64_t e) {
    const T value = bias == nullptr ? score[e] : score[e] + bias[e];
    return std::isnan(value) ? -std::numeric_limits<T>::infinity() : value;
  };
  int64_t count = 0;
  for (int64_t e = 0; e < experts; ++e) {
    const T mine = rank(e);
    if (count == chosen && !(mine > rank(expert[count - 1]))) continue;
    int64_t place = count < chosen ? count++ : count - 1;
    for (; place > 0 && mine > rank(expert[place - 1]); --place) expert[place] = expert[place - 1];
    expert[place] = int32_t(e);
  }
}

template <class T>
MlpViews<T> of_expert(const MoeViews<T>& all, int64_t e) {
  return {.gate = all.gate[e], .up = all.up[e], .down = all.down[e]};
}

template <class T>
void gather(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const int32_t, 1> token,
            View<T, 2> y) {
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().gather_rows({.x = x, .token = token, .y = y});
  } else {
    for (int64_t i = 0; i < token.extent[0]; ++i)
      std::copy_n(x[token(i)].data, x.extent[1], y[i].data);
  }
}

// y[t] += sum_j weight[t, j] x[slot[t, j]].
template <class T>
void combine(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const int32_t, 2> slot,
             View<const T, 2> weight, View<T, 2> y) {
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().combine_experts({.x = x, .slot = slot, .weight = weight, .y = y});
  } else {
    for (int64_t t = 0; t < slot.extent[0]; ++t)
      for (int64_t j = 0; j < slot.extent[1]; ++j)
        for (int64_t c = 0; c < x.extent[1]; ++c) y(t, c) += weight(t, j) * x(slot(t, j), c);
  }
}

}  // namespace

template <class T>
MoeLayer<T>::MoeLayer(const model::Config& config)
    : experts_(config.experts),
      chosen_(config.chosen_experts),
      inner_(config.expert_inner),
      normalise_(config.router_normalise),
      shares_(config.shared_experts > 0),
      scale_(T(config.router_scale)),
      load_(std::size_t(config.experts)) {}

template <class T>
void MoeLayer<T>::choose(View<const T, 1> bias, const Input& input, Threads& threads) {
  T* score = score_.matrix(tokens_, experts_).data;
  int32_t* expert = expert_.matrix(tokens_, chosen_).data;
  const bool replays = !input.recorded.empty();
  if (replays && tokens_ > 0 &&
      int64_t(input.recorded.size()) < (tokens_ - 1) * input.stride + chosen_)
    throw std::out_of_range("experts are recorded for fewer tokens than there are");
  for_tokens(threads, tokens_, [&](int64_t t) {
    T* s = score + t * experts_;
    for (int64_t e = 0; e < experts_; ++e) s[e] = sigmoid(s[e]);
    if (!replays || input.recorded[std::size_t(t * input.stride)] < 0)
      choose_largest(s, bias.data, experts_, chosen_, expert + t * chosen_);
  });
  if (replays) take_recorded(input);
}

template <class T>
void MoeLayer<T>::take_recorded(const Input& input) {
  int32_t* expert = expert_.matrix(tokens_, chosen_).data;
  for (int64_t t = 0; t < tokens_; ++t) {
    const int32_t* from = input.recorded.data() + t * input.stride;
    if (*from == -1) continue;
    for (int64_t j = 0; j < chosen_; ++j) {
      const bool twice = std::find(from, from + j, from[j]) != from + j;
      if (twice || from[j] < 0 || from[j] >= experts_)
        throw std::out_of_range("recorded expert " + std::to_string(from[j]) + " of token " +
                                std::to_string(t) + (twice ? " is there twice" : " is none"));
      expert[t * chosen_ + j] = from[j];
    }
  }
}

template <class T>
void MoeLayer<T>::weigh(Threads& threads) {
  const T* score = score_.data();
  const int32_t* expert = expert_.data();
  T* gate = gate_.matrix(tokens_, chosen_).data;
  for_tokens(threads, tokens_, [&](int64_t t) {
    const int32_t* mine = expert + t * chosen_;
    T sum = 0;
    for (int64_t j = 0; j < chosen_; ++j) sum += score[t * experts_ + mine[j]];
    for (int64_t j = 0; j < chosen_; ++j)
      gate[t * chosen_ + j] = score[t * experts_ + mine[j]] / (normalise_ ? sum : T(1)) * scale_;
  });
}

// Leaves f_e of each document in `share_`.
template <class T>
double MoeLayer<T>::balance(std::span<const int32_t> first, Threads& threads) {
  const int64_t documents = int64_t(first.size()) - 1;
  T* share = share_.matrix(documents, experts_).data;
  double* loss = loss_.vector(documents).data;
  const T* score = score_.data();
  const int32_t* expert = expert_.data();
  threads.run(documents, [&](int64_t d) {
    const int64_t begin = first[std::size_t(d)], end = first[std::size_t(d) + 1];
    T* f = share + d * experts_;
    std::fill_n(f, experts_, T(0));
    loss[d] = 0;
    if (begin == end) return;
    for (int64_t i = begin * chosen_; i < end * chosen_; ++i) f[expert[i]] += 1;
    const T mean = T(experts_) / (T(chosen_) * T(end - begin));
    for (int64_t e = 0; e < experts_; ++e) f[e] *= mean;
    for (int64_t t = begin; t < end; ++t) {
      T sum = 0, product = 0;
      for (int64_t e = 0; e < experts_; ++e) {
        sum += score[t * experts_ + e];
        product += f[e] * score[t * experts_ + e];
      }
      loss[d] += double(product / sum);
    }
    loss[d] /= double(end - begin);
  });
  double sum = 0;
  for (int64_t d = 0; d < documents; ++d) sum += loss[d];
  return documents > 0 ? sum / double(documents) : 0;
}

template <class T>
void MoeLayer<T>::run_experts(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights,
                              View<const T, 2> x, View<T, 2> y) {
  const int64_t hidden = x.extent[1], pairs = tokens_ * chosen_;
  const View<int32_t, 1> first = first_pair_.vector(experts_ + 1);
  cpu::group_pairs({.expert = expert_.matrix(tokens_, chosen_),
                    .first = first,
                    .token = pair_token_.vector(pairs),
                    .slot = slot_.matrix(tokens_, chosen_)});
  const View<T, 2> inputs = x_.matrix(pairs, hidden), outputs = y_.matrix(pairs, hidden);
  gather<T>(arithmetic, x, pair_token_.vector(pairs), inputs);
  for (int64_t e = 0; e < experts_; ++e) {
    const int64_t begin = first(e), count = first(e + 1) - begin;
    load_[std::size_t(e)] = count;
    if (count == 0) continue;
    mlp_forward<T>(arithmetic, of_expert(weights, e), inputs.part(begin, count),
                   inner_part(begin, count), outputs.part(begin, count), Into::Write);
  }
  combine<T>(arithmetic, outputs, slot_.matrix(tokens_, chosen_), gate_.matrix(tokens_, chosen_),
             y);
}

template <class T>
MlpInner<T> MoeLayer<T>::inner_part(int64_t first, int64_t count) {
  const int64_t pairs = tokens_ * chosen_;
  return {.gate = inner_gate_.matrix(pairs, inner_).part(first, count),
          .up = inner_up_.matrix(pairs, inner_).part(first, count),
          .product = product_.matrix(pairs, inner_).part(first, count)};
}

template <class T>
double MoeLayer<T>::forward(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights,
                            const Input& input, View<T, 2> y, Into into) {
  tokens_ = input.x.extent[0];
  arithmetic.exact_product(input.x, weights.router, score_.matrix(tokens_, experts_));
  choose(weights.bias, input, arithmetic.threads());
  weigh(arithmetic.threads());
  if (shares_)
    shared_.forward(arithmetic, weights.shared, input.x, y, into);
  else if (into == Into::Write)
    std::fill_n(y.data, y.size(), T(0));
  run_experts(arithmetic, weights, input.x, y);
  return balance(input.first, arithmetic.threads());
}

template <class T>
std::span<const int32_t> MoeLayer<T>::experts() const {
  return {expert_.data(), std::size_t(tokens_ * chosen_)};
}

template <class T>
std::span<const int64_t> MoeLayer<T>::load() const {
  return load_;
}

// From the gradient of the gates to that of the router's logits, in its place.
template <class T>
void MoeLayer<T>::score_gradient(const Input& input, View<const T, 2> dgate, double balance_weight,
                                 View<T, 2> dlogit, Threads& threads) {
  const T *score = score_.data(), *share = share_.data();
  const int32_t* expert = expert_.data();
  const int64_t documents = int64_t(input.first.size()) - 1;
  threads.run(documents, [&](int64_t d) {
    const int64_t begin = input.first[std::size_t(d)], end = input.first[std::size_t(d) + 1];
    const T weight = T(balance_weight) / (T(documents) * T(std::max<int64_t>(1, end - begin)));
    const T* f = share + d * experts_;
    for (int64_t t = begin; t < end; ++t) {
      const T *s = score + t * experts_, *from = dgate.data + t * chosen_;
      const int32_t* mine = expert + t * chosen_;
      T* to = dlogit.data + t * experts_;
      T sum = 0, product = 0, chosen_sum = 0, chosen_product = 0;
      for (int64_t e = 0; e < experts_; ++e) {
        sum += s[e];
        product += f[e] * s[e];
      }
      for (int64_t e = 0; e < experts_; ++e)
        to[e] = weight == 0 ? T(0) : weight * (f[e] - product / sum) / sum;
      for (int64_t j = 0; j < chosen_; ++j) {
        chosen_sum += s[mine[j]];
        chosen_product += from[j] * s[mine[j]];
      }
      for (int64_t j = 0; j < chosen_; ++j)
        to[mine[j]] += normalise_ ? scale_ * (from[j] - chosen_product / chosen_sum) / chosen_sum
                                  : scale_ * from[j];
      for (int64_t e = 0; e < experts_; ++e) to[e] *= s[e] * (1 - s[e]);
    }
  });
}

template <class T>
void MoeLayer<T>::backward(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights,
                           const Input& input, View<const T, 2> dy, double balance_weight,
                           View<T, 2> dx, Into into, const MoeViews<T>& gradients) {
  const int64_t hidden = dy.extent[1], pairs = tokens_ * chosen_;
  if (shares_)
    shared_.backward(arithmetic, weights.shared, input.x, dy, dx, into, gradients.shared);
  else if (into == Into::Write)
    std::fill_n(dx.data, dx.size(), T(0));

  const View<int32_t, 2> slot = slot_.matrix(tokens_, chosen_);
  const View<T, 2> dpair = y_.matrix(pairs, hidden), dgate = dgate_.matrix(tokens_, chosen_);
  combine_backward(Level{arithmetic.level(), arithmetic.threads()},
                   CombineBackward<T>{.dy = dy,
                                      .x = dpair,
                                      .slot = slot,
                                      .weight = gate_.matrix(tokens_, chosen_),
                                      .dx = dpair,
                                      .dweight = dgate});
  const View<T, 2> inputs = x_.matrix(pairs, hidden), dinput = dx_.matrix(pairs, hidden);
  const View<int32_t, 1> first = first_pair_.vector(experts_ + 1);
  for (int64_t e = 0; e < experts_; ++e) {
    const int64_t begin = first(e), count = first(e + 1) - begin;
    if (count == 0) continue;
    mlp_backward<T>(arithmetic, of_expert(weights, e), inputs.part(begin, count),
                    inner_part(begin, count), dpair.part(begin, count), dinput.part(begin, count),
                    Into::Write, of_expert(gradients, e));
  }
  const View<T, 2> ones = ones_.matrix(tokens_, chosen_);
  std::fill_n(ones.data, ones.size(), T(1));
  combine<T>(arithmetic, dinput, slot, ones, dx);

  const View<T, 2> dlogit = dlogit_.matrix(tokens_, experts_);
  score_gradient(input, dgate, balance_weight, dlogit, arithmetic.threads());
  arithmetic.input_gradient(dlogit, weights.router, dx, Into::Add);
  arithmetic.weight_gradient(dlogit, input.x, gradients.router);
}

template class MoeLayer<float>;
template class MoeLayer<double>;

}  // namespace training
