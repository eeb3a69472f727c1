#include "training/network.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "training/attention.h"
#include "training/cross_entropy.h"
#include "training/embedding.h"
#include "training/mlp.h"
#include "training/moe.h"

namespace training {
namespace {

void check(const model::Config& config, const Batch& batch) {
  for (int64_t d = 0; d < batch.documents(); ++d) {
    const int64_t tokens = batch.first[std::size_t(d) + 1] - batch.first[std::size_t(d)];
    if (tokens < 0 || tokens > config.positions)
      throw std::length_error(fmt::format("document {} has {} tokens, the model {} positions", d,
                                          tokens, config.positions));
  }
  if (batch.first.front() != 0 || batch.first.back() != batch.tokens())
    throw std::length_error(
        fmt::format("the documents end at token {} of {}", batch.first.back(), batch.tokens()));
  for (const int32_t token : batch.token)
    if (token < 0 || token >= config.vocabulary)
      throw std::length_error(
          fmt::format("token {} lies outside a vocabulary of {}", token, config.vocabulary));
}

}  // namespace

// One layer: x += attention(norm(x)), x += feed forward(norm(x)). Keeps the residual stream before
// each of the two, and what the norms made of it.
template <class T>
struct LayerState {
  LayerState(const model::Config& config, const RopeLayer<T>& rope)
      : attention_norm{.epsilon = config.norm_epsilon},
        mlp_norm{.epsilon = config.norm_epsilon},
        attention(config, rope),
        moe(config) {}

  RmsNormLayer<T> attention_norm, mlp_norm;
  AttentionLayer<T> attention;
  MlpLayer<T> mlp;
  MoeLayer<T> moe;
  Buffer<T> before, before_normed, between, between_normed;  // [tokens, hidden]
};

template <class T>
class TrainingNetwork<T>::Impl {
 public:
  Impl(const model::Config& config, Arithmetic<T>& arithmetic)
      : config_(config),
        arithmetic_(arithmetic),
        rope_(config),
        norm_{.epsilon = config.norm_epsilon} {
    for (int64_t i = 0; i < config.layers; ++i) {
      layers_.push_back(std::make_unique<LayerState<T>>(config_, rope_));
      if (config.is_moe(i)) ++moe_layers_;
    }
  }

  PassLosses forward(const ParameterViews<const T>& weights, const Batch& batch,
                     const PassOptions& options) {
    check(config_, batch);
    if (!batch.experts.empty() && int64_t(batch.experts.size()) != batch.tokens() * stride())
      throw std::length_error(fmt::format("{} recorded experts for {} tokens with {} each",
                                          batch.experts.size(), batch.tokens(), stride()));
    weights_ = weights;
    batch_ = &batch;
    options_ = options;
    layout_.set(batch.first, config_.index_top_k);
    experts_.resize(std::size_t(batch.tokens() * stride()));

    PassLosses losses;
    embedding_.forward(arithmetic_, batch.token, weights.embedding, state(layer(0).before));
    int64_t moe_layer = 0;
    for (int64_t i = 0; i < config_.layers; ++i) {
      attend(i, losses);
      feed_forward(i, moe_layer, losses);
      if (weights_.layer[std::size_t(i)].is_moe) ++moe_layer;
    }
    const auto normed = state(normed_);
    norm_.forward(arithmetic_, state(x_), weights.norm, normed);
    arithmetic_.product(normed, weights.head, logits_.matrix(tokens(), config_.vocabulary),
                        Into::Write);
    loss_.forward(arithmetic_, batch, logits());
    return losses;
  }

  void backward(std::span<const T> coefficient, const ParameterViews<T>& gradients) {
    if (int64_t(coefficient.size()) != tokens())
      throw std::length_error(
          fmt::format("{} coefficients for {} tokens", coefficient.size(), tokens()));
    const auto d_logits = d_logits_.matrix(tokens(), config_.vocabulary);
    const auto dx = state(dx_), d_normed = state(d_normed_), normed = state(normed_);
    loss_.backward(arithmetic_, *batch_, logits(), coefficient, d_logits);
    arithmetic_.weight_gradient(d_logits, normed, gradients.head);
    arithmetic_.input_gradient(d_logits, weights_.head, d_normed, Into::Write);
    norm_.backward(arithmetic_, state(x_), weights_.norm, d_normed, dx, Into::Write,
                   gradients.norm);
    int64_t moe_layer = moe_layers_;
    for (int64_t i = config_.layers - 1; i >= 0; --i) {
      if (weights_.layer[std::size_t(i)].is_moe) --moe_layer;
      feed_backward(i, moe_layer, gradients);
      attend_backward(i, gradients);
    }
    embedding_.backward(arithmetic_, batch_->token, dx, gradients.embedding);
  }

  std::span<const T> log_probability() const { return loss_.log_probability(); }
  std::span<const T> entropy() const { return loss_.entropy(); }
  View<const T, 2> logits() { return logits_.matrix(tokens(), config_.vocabulary); }
  std::span<const int32_t> experts() const { return experts_; }

 private:
  int64_t tokens() const { return layout_.tokens(); }
  int64_t stride() const { return moe_layers_ * config_.chosen_experts; }
  View<T, 2> state(Buffer<T>& buffer) { return buffer.matrix(tokens(), config_.hidden); }
  LayerState<T>& layer(int64_t i) { return *layers_[std::size_t(i)]; }
  // Where the layer leaves the residual stream.
  View<T, 2> after(int64_t i) { return state(i + 1 < config_.layers ? layer(i + 1).before : x_); }

  void add(View<const T, 2> x, View<T, 2> y) {
    constexpr int64_t kNumbersATask = 1 << 15;
    const int64_t size = x.size();
    arithmetic_.threads().run((size + kNumbersATask - 1) / kNumbersATask, [&](int64_t task) {
      const int64_t end = std::min(size, (task + 1) * kNumbersATask);
      for (int64_t i = task * kNumbersATask; i < end; ++i) y.data[i] += x.data[i];
    });
  }

  void attend(int64_t i, PassLosses& losses) {
    LayerState<T>& l = layer(i);
    const LayerViews<const T>& w = weights_.layer[std::size_t(i)];
    const auto x = state(l.before), normed = state(l.before_normed), y = state(l.between);
    l.attention_norm.forward(arithmetic_, x, w.attention_norm, normed);
    const IndexerDistance distance =
        l.attention.forward(arithmetic_, w.attention, normed, layout_,
                            {options_.attention, options_.indexer_loss / double(config_.layers)},
                            work_, y, Into::Write);
    add(x, y);
    losses.indexer += distance.divergence / double(config_.layers);
    losses.attention_recall += distance.recall / double(config_.layers);
  }

  typename MoeLayer<T>::Input moe_input(int64_t i, int64_t moe_layer) {
    typename MoeLayer<T>::Input input{.x = state(layer(i).between_normed),
                                      .first = layout_.documents()};
    if (!batch_->experts.empty()) {
      input.recorded =
          std::span(batch_->experts).subspan(std::size_t(moe_layer * config_.chosen_experts));
      input.stride = stride();
    }
    return input;
  }

  void feed_forward(int64_t i, int64_t moe_layer, PassLosses& losses) {
    LayerState<T>& l = layer(i);
    const LayerViews<const T>& w = weights_.layer[std::size_t(i)];
    const auto x = state(l.between), normed = state(l.between_normed), y = after(i);
    l.mlp_norm.forward(arithmetic_, x, w.mlp_norm, normed);
    if (!w.is_moe) {
      l.mlp.forward(arithmetic_, w.mlp, normed, y, Into::Write);
    } else {
      losses.balance += l.moe.forward(arithmetic_, w.moe, moe_input(i, moe_layer), y, Into::Write) /
                        double(moe_layers_);
      losses.expert_load.insert(losses.expert_load.end(), l.moe.load().begin(), l.moe.load().end());
      const int64_t chosen = config_.chosen_experts;
      for (int64_t t = 0; t < tokens(); ++t)
        std::copy_n(l.moe.experts().begin() + t * chosen, chosen,
                    experts_.begin() + t * stride() + moe_layer * chosen);
    }
    add(x, y);
  }

  // dx is the gradient of what the layer leaves, and becomes that of what it was given.
  void feed_backward(int64_t i, int64_t moe_layer, const ParameterViews<T>& gradients) {
    LayerState<T>& l = layer(i);
    const LayerViews<const T>& w = weights_.layer[std::size_t(i)];
    const LayerViews<T>& g = gradients.layer[std::size_t(i)];
    const auto dx = state(dx_), d_normed = state(d_normed_);
    if (!w.is_moe) {
      l.mlp.backward(arithmetic_, w.mlp, state(l.between_normed), dx, d_normed, Into::Write, g.mlp);
    } else {
      l.moe.backward(arithmetic_, w.moe, moe_input(i, moe_layer), dx,
                     options_.balance_loss / double(moe_layers_), d_normed, Into::Write, g.moe);
    }
    l.mlp_norm.backward(arithmetic_, state(l.between), w.mlp_norm, d_normed, dx, Into::Add,
                        g.mlp_norm);
  }

  void attend_backward(int64_t i, const ParameterViews<T>& gradients) {
    LayerState<T>& l = layer(i);
    const LayerViews<const T>& w = weights_.layer[std::size_t(i)];
    const LayerViews<T>& g = gradients.layer[std::size_t(i)];
    const auto dx = state(dx_), d_normed = state(d_normed_);
    l.attention.backward(arithmetic_, w.attention, state(l.before_normed), layout_, dx, work_,
                         d_normed, g.attention);
    l.attention_norm.backward(arithmetic_, state(l.before), w.attention_norm, d_normed, dx,
                              Into::Add, g.attention_norm);
  }

  const model::Config config_;
  Arithmetic<T>& arithmetic_;
  RopeLayer<T> rope_;
  std::vector<std::unique_ptr<LayerState<T>>> layers_;
  EmbeddingLayer<T> embedding_;
  RmsNormLayer<T> norm_;
  CrossEntropyLayer<T> loss_;
  int64_t moe_layers_ = 0;

  // Of the last forward pass.
  ParameterViews<const T> weights_;
  const Batch* batch_ = nullptr;
  PassOptions options_;
  DocumentLayout layout_;
  std::vector<int32_t> experts_;
  Buffer<T> x_, normed_, logits_;  // after the last layer

  typename AttentionLayer<T>::Work work_;
  Buffer<T> dx_, d_normed_, d_logits_;
};

template <class T>
TrainingNetwork<T>::TrainingNetwork(const model::Config& config, Arithmetic<T>& arithmetic)
    : impl_(std::make_unique<Impl>(config, arithmetic)) {}
template <class T>
TrainingNetwork<T>::~TrainingNetwork() = default;

template <class T>
PassLosses TrainingNetwork<T>::forward(const ParameterViews<const T>& weights, const Batch& batch,
                                       const PassOptions& options) {
  return impl_->forward(weights, batch, options);
}

template <class T>
void TrainingNetwork<T>::backward(std::span<const T> coefficient,
                                  const ParameterViews<T>& gradients) {
  impl_->backward(coefficient, gradients);
}

template <class T>
std::span<const T> TrainingNetwork<T>::log_probability() const {
  return impl_->log_probability();
}
template <class T>
std::span<const T> TrainingNetwork<T>::entropy() const {
  return impl_->entropy();
}
template <class T>
View<const T, 2> TrainingNetwork<T>::logits() const {
  return impl_->logits();
}
template <class T>
std::span<const int32_t> TrainingNetwork<T>::experts() const {
  return impl_->experts();
}

template class TrainingNetwork<float>;
template class TrainingNetwork<double>;

}  // namespace training
