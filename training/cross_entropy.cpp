#include "training/cross_entropy.h"

#include <stdexcept>
#include <string>

#include "training/levels.h"

namespace training {
namespace {

constexpr int64_t kWordBits = 64;

int64_t words_of(int64_t vocabulary) { return (vocabulary + kWordBits - 1) / kWordBits; }

View<const uint64_t, 2> kept_of(const Batch& batch, int64_t vocabulary) {
  if (batch.kept.empty()) return {};
  return {batch.kept.data(), {batch.tokens(), words_of(vocabulary)}};
}

void check_targets(const Batch& batch, int64_t vocabulary) {
  const View<const uint64_t, 2> kept = kept_of(batch, vocabulary);
  if (int64_t(batch.target.size()) != batch.tokens())
    throw std::out_of_range("there must be one target for each token");
  if (kept.size() != int64_t(batch.kept.size()) && kept.data != nullptr)
    throw std::out_of_range("the kept ids must be one bit for each token and id");
  for (int64_t t = 0; t < batch.tokens(); ++t) {
    const int64_t target = batch.target[std::size_t(t)];
    if (target >= vocabulary)
      throw std::out_of_range("target " + std::to_string(target) + " of token " +
                              std::to_string(t) + " lies outside the vocabulary");
    if (target < 0 || kept.data == nullptr) continue;
    if ((kept(t, target / kWordBits) >> (target % kWordBits) & 1) == 0)
      throw std::out_of_range("target " + std::to_string(target) + " of token " +
                              std::to_string(t) + " is not among the ids kept there");
  }
}

}  // namespace

template <class T>
void CrossEntropyLayer<T>::forward(Arithmetic<T>& arithmetic, const Batch& batch,
                                   View<const T, 2> logits) {
  check_targets(batch, logits.extent[1]);
  tokens_ = batch.tokens();
  cross_entropy(Level{arithmetic.level(), arithmetic.threads()},
                CrossEntropy<T>{.logits = logits,
                                .target = {batch.target.data(), {tokens_}},
                                .kept = kept_of(batch, logits.extent[1]),
                                .log_sum = log_sum_.vector(tokens_),
                                .log_probability = log_probability_.vector(tokens_),
                                .entropy = entropy_.vector(tokens_)});
}

template <class T>
std::span<const T> CrossEntropyLayer<T>::log_probability() const {
  return {log_probability_.data(), std::size_t(tokens_)};
}

template <class T>
std::span<const T> CrossEntropyLayer<T>::entropy() const {
  return {entropy_.data(), std::size_t(tokens_)};
}

template <class T>
void CrossEntropyLayer<T>::backward(Arithmetic<T>& arithmetic, const Batch& batch,
                                    View<const T, 2> logits, std::span<const T> coefficient,
                                    View<T, 2> dlogits) {
  const View<T, 1> log_sum = log_sum_.vector(tokens_);
  cross_entropy_backward(Level{arithmetic.level(), arithmetic.threads()},
                         CrossEntropyBackward<T>{.logits = logits,
                                                 .target = {batch.target.data(), {tokens_}},
                                                 .kept = kept_of(batch, logits.extent[1]),
                                                 .log_sum = log_sum,
                                                 .coefficient = {coefficient.data(), {tokens_}},
                                                 .dlogits = dlogits});
}

template class CrossEntropyLayer<float>;
template class CrossEntropyLayer<double>;

}  // namespace training
