#include "engine/local_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/device_draws.h"
#include "engine/network_stepper.h"
#include "model/inspect.h"

namespace engine {
namespace {

// Float matrices ask for a float cache: whoever stores floats wants their precision.
Number cache_type(const model::Weights& weights) {
  return weights.layer.front().attention.key_value_down.type == Number::F32 ? Number::F32
                                                                            : Number::BF16;
}

// Latents and index keys, in one word where they are alike.
std::string cached_as(Number type, model::LatentFormat latents) {
  const std::string word = type == Number::F32 ? "f32" : "bf16";
  return latents == model::LatentFormat::AsIs ? word : "fp8+" + word;
}

constexpr int64_t kProgressLines = 10;

// Told in so many lines how far it has come.
model::LoadProgress told_in_parts(const LocalModel::Say& say) {
  return [&say, told = int64_t(0)](int64_t done, int64_t all) mutable {
    const int64_t part = done * kProgressLines / std::max(all, int64_t(1));
    if (part <= told) return;
    told = part;
    say(fmt::format("loaded {:.2f} of {:.2f} GiB", double(done) / (1 << 30),
                    double(all) / (1 << 30)));
  };
}

}  // namespace

class LocalModel::Impl {
 public:
  Impl(Device device, const std::filesystem::path& directory, const LocalOptions& options,
       const Say& say)
      : directory_(directory),
        config_(model::read_config(directory)),
        tokenizer_(model::Tokenizer::load(directory)),
        chat_(tokenizer_, config_),
        kernels_(std::move(device.kernels)) {
    choose_top_k(options.index_top_k);
    const auto checkpoint = model::Checkpoint::open(directory);
    const int64_t context = options.context_max > 0 ? options.context_max : config_.positions;
    model::MemoryNeed need = model::memory_need(config_, *checkpoint,
                                                {.weights = options.weights,
                                                 .latents = options.latents,
                                                 .rows = options.rows_max,
                                                 .context = context});
    need.device_bytes += DeviceDraws::bytes(config_.vocabulary, options.rows_max);
    const MemoryPlan plan = MemoryPlan::make(
        need, config_, {.context_max = options.context_max, .cache_bytes = options.cache_bytes},
        kernels_->memory().reach(), device.free_bytes);
    say(plan.words());
    weights_ = model::to_device(model::load_weights(config_, checkpoint, options.weights),
                                kernels_->memory(), told_in_parts(say));
    context_max_ = plan.context_max;
    identity_ = fmt::format(
        "engine sha256:{} weights={} cache={} numerics={} {}",
        model::model_identity(directory, *checkpoint), model::to_text(options.weights),
        cached_as(cache_type(weights_), options.latents),
        options.numerics == model::CacheNumerics::Plain ? "plain" : "published", device.identity);
    if (options.index_top_k > 0) identity_ += fmt::format(" index_topk={}", config_.index_top_k);
    start(options, plan.cache_bytes);
  }

  void choose_top_k(int32_t top_k) {
    if (top_k == 0) return;
    if (config_.index_heads == 0)
      throw model::Refused(fmt::format(
          "{}: this model attends to all tokens, it has no indexer to choose some of them",
          directory_.string()));
    config_.index_top_k = int32_t(std::min<int64_t>(top_k, config_.positions));
  }

  void start(const LocalOptions& options, int64_t cache_bytes) {
    auto network =
        std::make_unique<model::Network>(weights_, *kernels_,
                                         model::NetworkOptions{.rows_max = options.rows_max,
                                                               .context_max = context_max_,
                                                               .cache_type = cache_type(weights_),
                                                               .numerics = options.numerics,
                                                               .latents = options.latents});
    SchedulerOptions scheduler;
    scheduler.running_max = int32_t(options.running_max);
    scheduler.rows_max = int32_t(options.rows_max);
    scheduler.cache_bytes = cache_bytes;
    engine_ = std::make_unique<Engine>(stepper_of(std::move(network)), tokenizer_, scheduler);
  }

  std::filesystem::path directory_;
  model::Config config_;
  model::Tokenizer tokenizer_;
  model::ChatFormat chat_;
  std::unique_ptr<Kernels> kernels_;
  model::Weights weights_;
  int64_t context_max_ = 0;
  std::string identity_;
  std::unique_ptr<Engine> engine_;  // last: its thread uses all of the above
};

LocalModel::LocalModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalModel::~LocalModel() = default;

std::unique_ptr<LocalModel> LocalModel::load(const std::filesystem::path& directory,
                                             const LocalOptions& options, const Say& say) {
  Device device = open_device(options.device, options.threads);
  say(device.words);
  return load_on(std::move(device), directory, options, say);
}

std::unique_ptr<LocalModel> LocalModel::load_on(Device device,
                                                const std::filesystem::path& directory,
                                                const LocalOptions& options, const Say& say) {
  return std::unique_ptr<LocalModel>(
      new LocalModel(std::make_unique<Impl>(std::move(device), directory, options, say)));
}

const std::filesystem::path& LocalModel::directory() const { return impl_->directory_; }
const model::Config& LocalModel::config() const { return impl_->config_; }
const model::Tokenizer& LocalModel::tokenizer() const { return impl_->tokenizer_; }
const model::ChatFormat& LocalModel::chat() const { return impl_->chat_; }
Engine& LocalModel::engine() { return *impl_->engine_; }
int64_t LocalModel::context_max() const { return impl_->context_max_; }
const std::string& LocalModel::identity() const { return impl_->identity_; }

}  // namespace engine
