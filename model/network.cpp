#include "model/network.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "model/attention.h"
#include "model/mlp.h"
#include "model/step.h"

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
  if (options.latents == LatentFormat::Float8 && (config.latent % 4 != 0 || config.rope % 2 != 0))
    throw Refused(
        fmt::format("latents of {} numbers (kv_lora_rank) with keys of {} (qk_rope_head_dim) "
                    "cannot be kept as FP8 records: 4 must divide the one, 2 the other",
                    config.latent, config.rope));
  if (options.numerics == CacheNumerics::Published && config.latent > PageFormat::kTile &&
      config.latent % PageFormat::kTile != 0)
    throw Refused(
        fmt::format("the published numerics round latents in groups of {}, which do not fill {} "
                    "numbers (kv_lora_rank)",
                    int64_t(PageFormat::kTile), config.latent));
  if (options.numerics == CacheNumerics::Published && config.sparse() &&
      !std::has_single_bit(uint64_t(config.index_dim)))
    throw Refused(
        fmt::format("the published numerics turn the indexer's vectors by a Hadamard matrix, which "
                    "takes a power of two, not {} numbers (index_head_dim)",
                    config.index_dim));
  return options;
}

// Recordings of different networks on one device have different keys.
uint64_t next_network() {
  static std::atomic<uint32_t> last = 0;
  return ++last;
}

std::vector<float> angles(const Config& config, const NetworkOptions& options) {
  return rope_table(config, options.context_max);
}

int64_t logits_kept(const Config& config, const NetworkOptions& options, Memory& memory) {
  if (memory.reach() == Memory::Reach::Processor) return 0;  // they are made where they are wanted
  return std::min(options.rows_max, Network::kLogitsRows) * config.vocabulary;
}

}  // namespace

Broken broken_logits(int32_t position) {
  return Broken(fmt::format(
      "the logits at position {} are not numbers; the weights or the cache are damaged", position));
}

class Network::Impl {
 public:
  Impl(const Weights& weights, Kernels& kernels, const NetworkOptions& asked)
      : options_(completed(asked, weights.config)),
        config_(weights.config),
        memory_(kernels.memory()),
        rope_table_(memory_, options_.context_max * config_.rope),
        parts_{.weights = weights,
               .kernels = kernels,
               .cache = CacheFormat::of(config_, options_.cache_type, options_.latents),
               .options = options_,
               .rope_table = rope_table_.view(options_.context_max, config_.rope / 2, 2),
               .watcher = &watcher_},
        attention_(parts_),
        feed_forward_(parts_),
        inputs_(config_, options_, memory_),
        x_(memory_, options_.rows_max * config_.hidden),
        normed_(memory_, options_.rows_max * config_.hidden),
        delta_(memory_, options_.rows_max * config_.hidden),
        few_x_(memory_, options_.rows_max * config_.hidden),
        few_normed_(memory_, options_.rows_max * config_.hidden),
        logits_(memory_, logits_kept(config_, options_, memory_)) {
    rope_table_.write(angles(config_, options_));
    if (options_.routing == Routing::Record)
      experts_of_row_ = feed_forward_.mixtures() * config_.chosen_experts;
  }

  void forward(std::span<const Row> rows, View<float, 2> logits) {
    if (on_device()) {
      forward_there(rows, [&](int64_t first, View<const float, 2> made) {
        const View<float, 2> to = logits.part(first, made.extent[0]);
        memory_.read(to.data, made.data, to.size() * int64_t(sizeof(float)));
      });
    } else {
      write(rows);
      assert(logits.extent[0] == int64_t(inputs_.asking().size()));
      compute(logits);
      check_found(rows);
      read_experts();
      parts_.kernels.finish();
    }
    const auto asking = inputs_.asking();
    for (std::size_t i = 0; i < asking.size(); ++i)
      if (std::isnan(logits(i, 0))) throw broken_logits(rows[std::size_t(asking[i])].position);
  }

  void forward_there(std::span<const Row> rows, const TakeLogits& take) {
    assert(on_device());
    write(rows);
    const auto asking = int64_t(inputs_.asking().size());
    const View<float, 2> logits{.extent = {asking, config_.vocabulary}};  // no numbers: how many
    start(logits);
    check_found(rows);
    read_experts();
    int64_t count = std::min(asking, kLogitsRows);
    for (int64_t first = 0; first < asking;) {
      take(first, logits_.view(count, config_.vocabulary));
      first += count;
      if (first < asking) count = make_logits(first, logits);
    }
  }

  const Parts& parts() const { return parts_; }
  std::span<const int32_t> experts() const { return experts_; }
  int64_t experts_of_row() const { return experts_of_row_; }
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

 private:
  bool on_device() const { return memory_.reach() == Memory::Reach::Device; }

  void write(std::span<const Row> rows) {
    assert(1 <= int64_t(rows.size()) && int64_t(rows.size()) <= options_.rows_max);
    for ([[maybe_unused]] const Row& row : rows) {
      assert(0 <= row.token && row.token < config_.vocabulary);
      assert(0 <= row.position && row.position < options_.context_max);
    }
    inputs_.write(rows);
  }

  // Makes the calls of the step, or starts those that were recorded of one like it. A step that
  // follows one like it will soon be followed by more: it is recorded.
  void start(View<float, 2> logits) {
    Kernels& k = parts_.kernels;
    const uint64_t key = recording_key();
    const bool again = std::exchange(last_key_, key) == key;
    if (key == 0) return compute(logits);
    if (k.replay(key)) return;
    if (!again) return compute(logits);
    k.begin_recording(key);
    compute(logits);
    k.end_recording();
  }

  // Equal for steps whose calls are equal; 0: it is not to be recorded.
  uint64_t recording_key() const {
    const int64_t rows = inputs_.rows();
    static_assert(kRecordedRows < 1 << 16);
    if (!on_device() || watcher_ || rows > kRecordedRows || rows > int64_t(inputs_.asking().size()))
      return 0;
    // One width for each power of two, and that of the whole context above the last of them.
    const auto width = uint64_t(std::bit_width(uint64_t(inputs_.score_width())));
    const bool whole = inputs_.score_width() == options_.context_max;
    return number_ << 32 | uint64_t(whole) << 24 | width << 16 | uint64_t(rows);
  }

  // All but the logits of later rows, which a device has no room for at once.
  void compute(View<float, 2> logits) {
    Kernels& k = parts_.kernels;
    Step step = inputs_.all(x_.view(inputs_.rows(), config_.hidden));
    k.embed({.id = inputs_.token(), .table = parts_.weights.embedding, .y = step.x});
    parts_.seen("embed_tokens", -1, step.x);
    for (int64_t layer = 0; layer < config_.layers; ++layer) run_layer(layer, step);
    if (step.rows == 0) return;
    const auto normed = normed_.view(step.rows, config_.hidden);
    k.rms_norm(
        {.x = step.x, .weight = parts_.weights.norm, .epsilon = config_.norm_epsilon, .y = normed});
    parts_.seen("norm", -1, normed);
    make_logits(0, logits);
  }

  // Those of the rows from `first` on, as many as there is room for; returns how many.
  int64_t make_logits(int64_t first, View<float, 2> logits) {
    const int64_t rest = logits.extent[0] - first;
    const int64_t count = on_device() ? std::min(rest, kLogitsRows) : rest;
    const View<float, 2> y =
        on_device() ? logits_.view(count, config_.vocabulary) : logits.part(first, count);
    parts_.kernels.linear({.x = normed_.view(logits.extent[0], config_.hidden).part(first, count),
                           .weight = parts_.weights.head,
                           .y = y});
    return count;
  }

  // Looked at once for all layers, so that nobody waits within a step.
  void check_found(std::span<const Row> rows) {
    if (inputs_.score_width() == 0) return;
    const auto found = inputs_.read_found();
    const auto broken = std::find(found.begin(), found.end(), -1);
    if (broken == found.end()) return;
    const int64_t at = broken - found.begin(), layer = at / inputs_.rows();
    auto row = std::size_t(at % inputs_.rows());
    if (layer + 1 == config_.layers) row = std::size_t(inputs_.asking()[row]);
    throw Broken(
        fmt::format("layer {}: the indexer's score of a token seen from position {} is "
                    "not a number; the weights or the cache are damaged",
                    layer, rows[row].position));
  }

  void read_experts() {
    if (experts_of_row_ == 0) return;
    const int64_t n = inputs_.rows(), width = config_.chosen_experts;
    const auto asking = inputs_.asking();
    experts_.assign(std::size_t(n * experts_of_row_), -1);
    int64_t mixture = 0;
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      if (!config_.is_moe(layer)) continue;
      const bool last = layer + 1 == config_.layers;
      const int64_t count = last ? int64_t(asking.size()) : n;
      chosen_.resize(std::size_t(count * width));
      if (count > 0)
        memory_.read(chosen_.data(), feed_forward_.chosen(layer, n).data,
                     count * width * int64_t(sizeof(int32_t)));
      for (int64_t i = 0; i < count; ++i) {
        const int64_t row = last ? asking[std::size_t(i)] : i;
        std::copy_n(chosen_.begin() + i * width, width,
                    experts_.begin() + row * experts_of_row_ + mixture * width);
      }
      ++mixture;
    }
  }

  void run_layer(int64_t layer, Step& step) {
    Kernels& k = parts_.kernels;
    const LayerWeights& w = parts_.weights.layer[std::size_t(layer)];
    auto normed = normed_.view(step.rows, config_.hidden);
    k.rms_norm(
        {.x = step.x, .weight = w.attention_norm, .epsilon = config_.norm_epsilon, .y = normed});
    attention_.remember(layer, step, normed);
    if (layer + 1 == config_.layers) {
      keep_wanted(step, normed);
      if (step.rows == 0) return;
    }

    const auto delta = delta_.view(step.rows, config_.hidden);
    attention_.read(layer, step, normed, delta);
    k.add({.x = delta, .y = step.x});
    parts_.seen("self_attn", layer, delta);
    k.rms_norm({.x = step.x, .weight = w.mlp_norm, .epsilon = config_.norm_epsilon, .y = normed});
    feed_forward_.run(layer, step, normed, delta);
    k.add({.x = delta, .y = step.x});
    parts_.seen("mlp", layer, delta);
  }

  // In the last layer, once all rows are remembered, only those go on whose logits are asked for.
  void keep_wanted(Step& step, View<float, 2>& normed) {
    const auto wanted = inputs_.wanted_rows();
    const int64_t n = wanted.extent[0];
    if (n == step.rows) return;
    const auto x = few_x_.view(n, config_.hidden);
    const auto few_normed = few_normed_.view(n, config_.hidden);
    if (n > 0) {
      parts_.kernels.gather_rows({.x = step.x, .token = wanted, .y = x});
      parts_.kernels.gather_rows({.x = normed, .token = wanted, .y = few_normed});
    }
    step = inputs_.wanted(x);
    normed = few_normed;
  }

  Watcher watcher_;
  NetworkOptions options_;
  const Config& config_;
  Memory& memory_;
  Buffer<float> rope_table_;
  Parts parts_;
  Attention attention_;
  FeedForward feed_forward_;
  StepInputs inputs_;
  Buffer<float> x_, normed_, delta_, few_x_, few_normed_, logits_;
  int64_t experts_of_row_ = 0;
  std::vector<int32_t> chosen_, experts_;  // of one layer; [rows, experts_of_row_]
  const uint64_t number_ = next_network();
  uint64_t last_key_ = 0;
};

Network::Network(const Weights& weights, Kernels& kernels, const NetworkOptions& options)
    : impl_(std::make_unique<Impl>(weights, kernels, options)) {}
Network::~Network() = default;

const Config& Network::config() const { return impl_->parts().weights.config; }
const CacheFormat& Network::cache() const { return impl_->parts().cache; }
int64_t Network::rows_max() const { return impl_->parts().options.rows_max; }
int64_t Network::context_max() const { return impl_->parts().options.context_max; }
Memory& Network::memory() const { return impl_->parts().kernels.memory(); }

Kernels& Network::kernels() const { return impl_->parts().kernels; }

void Network::forward(std::span<const Row> rows, View<float, 2> logits) {
  impl_->forward(rows, logits);
}
void Network::forward_there(std::span<const Row> rows, const TakeLogits& take) {
  impl_->forward_there(rows, take);
}

std::span<const int32_t> Network::experts() const { return impl_->experts(); }
int64_t Network::experts_of_row() const { return impl_->experts_of_row(); }

void Network::watch(Watcher watcher) { impl_->watch(std::move(watcher)); }

}  // namespace model
