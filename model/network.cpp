#include "model/network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "model/attention.h"
#include "model/mlp.h"
#include "model/work.h"

namespace model {
namespace {

NetworkOptions completed(NetworkOptions options, const Config& config) {
  if (options.context_max == 0) options.context_max = config.positions;
  if (options.context_max < 1 || options.context_max > config.positions)
    throw Refused(
        fmt::format("a context of {} tokens was asked for, but the model has at most {} "
                    "positions (max_position_embeddings)",
                    options.context_max, config.positions));
  if (options.rows_max < 1) throw Refused("a step must have room for at least one row");
  if (options.cache_type != Number::F32 && options.cache_type != Number::BF16)
    throw Refused("the cache can hold F32 or BF16 numbers only");
  return options;
}

}  // namespace

class Network::Impl {
 public:
  Impl(const Weights& weights, Kernels& kernels, const NetworkOptions& asked)
      : options_(completed(asked, weights.config)),
        config_(weights.config),
        rope_table_(rope_table(config_, options_.context_max)),
        parts_{.weights = weights,
               .kernels = kernels,
               .cache = CacheFormat::of(config_, options_.cache_type),
               .options = options_,
               .rope_table = {.data = rope_table_.data(),
                              .extent = {options_.context_max, config_.rope / 2, 2}},
               .watcher = &watcher_},
        attention_(parts_),
        feed_forward_(parts_),
        token_(options_.rows_max),
        position_(options_.rows_max),
        slot_(options_.rows_max),
        seen_(options_.rows_max),
        page_(options_.rows_max),
        wanted_(options_.rows_max),
        x_(options_.rows_max * config_.hidden),
        normed_(options_.rows_max * config_.hidden),
        delta_(options_.rows_max * config_.hidden),
        few_x_(options_.rows_max * config_.hidden),
        few_normed_(options_.rows_max * config_.hidden) {
    if (options_.routing == Routing::Forget) return;
    for (int64_t layer = 0; layer < config_.layers; ++layer)
      if (config_.is_moe(layer)) experts_of_row_ += config_.chosen_experts;
  }

  void forward(std::span<const Row> rows, View<float, 2> logits) {
    Step step = begin(rows);
    experts_.assign(rows.size() * std::size_t(experts_of_row_), -1);
    first_expert_ = 0;
    for (int64_t layer = 0; layer < config_.layers; ++layer) run_layer(layer, step, rows);
    if (step.rows == 0) return;
    Kernels& k = parts_.kernels;
    const auto normed = normed_.view(step.rows, config_.hidden);
    k.rms_norm(
        {.x = step.x, .weight = parts_.weights.norm, .epsilon = config_.norm_epsilon, .y = normed});
    parts_.seen("norm", -1, normed);
    k.linear({.x = normed, .weight = parts_.weights.head, .y = logits});
    k.finish();
    for (int64_t i = 0; i < step.rows; ++i)
      if (std::isnan(logits(i, 0)))
        throw Broken(
            fmt::format("the logits at position {} are not numbers; the weights or the "
                        "cache are damaged",
                        step.position(i)));
  }

  const Parts& parts() const { return parts_; }
  std::span<const int32_t> experts() const { return experts_; }
  int64_t experts_of_row() const { return experts_of_row_; }
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

 private:
  Step begin(std::span<const Row> rows) {
    const int64_t n = int64_t(rows.size());
    assert(1 <= n && n <= options_.rows_max);
    const auto token = token_.view(n);
    for (int64_t i = 0; i < n; ++i) {
      const Row& row = rows[std::size_t(i)];
      assert(0 <= row.token && row.token < config_.vocabulary);
      token(i) = row.token;
      place(i, row);
    }
    const Step step = step_of(n, x_.view(n, config_.hidden));
    parts_.kernels.embed({.id = token, .table = parts_.weights.embedding, .y = step.x});
    parts_.seen("embed_tokens", -1, step.x);
    return step;
  }

  void place(int64_t i, const Row& row) {
    assert(0 <= row.position && row.position < options_.context_max);
    position_.view(options_.rows_max)(i) = row.position;
    slot_.view(options_.rows_max)(i) = int32_t(row.position % kPageTokens);
    page_.view(options_.rows_max)(i) = row.pages[row.position / kPageTokens];
    seen_.view(options_.rows_max)(i) = {.page = row.pages, .visible = row.position + 1};
  }

  Step step_of(int64_t n, View<float, 2> x) {
    return {.rows = n,
            .x = x,
            .position = position_.view(n),
            .seen = seen_.view(n),
            .page = page_.view(n),
            .slot = slot_.view(n)};
  }

  void run_layer(int64_t layer, Step& step, std::span<const Row> rows) {
    Kernels& k = parts_.kernels;
    const LayerWeights& w = parts_.weights.layer[std::size_t(layer)];
    auto normed = normed_.view(step.rows, config_.hidden);
    k.rms_norm(
        {.x = step.x, .weight = w.attention_norm, .epsilon = config_.norm_epsilon, .y = normed});
    attention_.remember(layer, step, normed);
    if (layer + 1 == config_.layers) {
      keep_wanted(step, normed, rows);
      if (step.rows == 0) return;
    }

    const auto delta = delta_.view(step.rows, config_.hidden);
    attention_.read(layer, step, normed, delta);
    k.add({.x = delta, .y = step.x});
    parts_.seen("self_attn", layer, delta);
    k.rms_norm({.x = step.x, .weight = w.mlp_norm, .epsilon = config_.norm_epsilon, .y = normed});
    feed_forward_.run(layer, step, normed, delta);
    if (experts_of_row_ > 0 && config_.is_moe(layer)) note_experts(step.rows, int64_t(rows.size()));
    k.add({.x = delta, .y = step.x});
    parts_.seen("mlp", layer, delta);
  }

  // `n` rows of a step of `all` were sent to experts.
  void note_experts(int64_t n, int64_t all) {
    parts_.kernels.finish();
    const auto chosen = feed_forward_.chosen(n);
    const auto wanted = wanted_.view(n);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = n == all ? i : wanted(i);
      std::copy_n(chosen[i].data, chosen.extent[1],
                  experts_.begin() + row * experts_of_row_ + first_expert_);
    }
    first_expert_ += chosen.extent[1];
  }

  // In the last layer, once all rows are remembered, only those go on whose logits are asked for.
  void keep_wanted(Step& step, View<float, 2>& normed, std::span<const Row> rows) {
    int64_t n = 0;
    for (int64_t i = 0; i < step.rows; ++i) {
      const Row& row = rows[std::size_t(i)];
      if (row.logits == Row::Logits::No) continue;
      wanted_.view(options_.rows_max)(n) = int32_t(i);
      place(n, row);
      ++n;
    }
    if (n == step.rows) return;
    const auto wanted = wanted_.view(n);
    const auto x = few_x_.view(n, config_.hidden);
    const auto few_normed = few_normed_.view(n, config_.hidden);
    if (n > 0) {
      parts_.kernels.gather_rows({.x = step.x, .token = wanted, .y = x});
      parts_.kernels.gather_rows({.x = normed, .token = wanted, .y = few_normed});
    }
    step = step_of(n, x);
    normed = few_normed;
  }

  Watcher watcher_;
  NetworkOptions options_;
  const Config& config_;
  std::vector<float> rope_table_;
  Parts parts_;
  Attention attention_;
  FeedForward feed_forward_;
  Buffer<int32_t> token_, position_, slot_;
  Buffer<SeenPages> seen_;
  Buffer<unsigned char*> page_;
  Buffer<int32_t> wanted_;
  Buffer<float> x_, normed_, delta_, few_x_, few_normed_;
  int64_t experts_of_row_ = 0, first_expert_ = 0;  // of the layer under way
  std::vector<int32_t> experts_;                   // [rows, experts_of_row_]
};

Network::Network(const Weights& weights, Kernels& kernels, const NetworkOptions& options)
    : impl_(std::make_unique<Impl>(weights, kernels, options)) {}
Network::~Network() = default;

const Config& Network::config() const { return impl_->parts().weights.config; }
const CacheFormat& Network::cache() const { return impl_->parts().cache; }
int64_t Network::rows_max() const { return impl_->parts().options.rows_max; }
int64_t Network::context_max() const { return impl_->parts().options.context_max; }

void Network::forward(std::span<const Row> rows, View<float, 2> logits) {
  impl_->forward(rows, logits);
}

std::span<const int32_t> Network::experts() const { return impl_->experts(); }
int64_t Network::experts_of_row() const { return impl_->experts_of_row(); }

void Network::watch(Watcher watcher) { impl_->watch(std::move(watcher)); }

}  // namespace model
