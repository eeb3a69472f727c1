#include "engine/local_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/network_stepper.h"
#include "model/inspect.h"

namespace engine {
namespace {

double gib(int64_t bytes) { return double(bytes) / (1 << 30); }

// Float matrices ask for a float cache: whoever stores floats wants their precision.
Number cache_type(const model::Weights& weights) {
  return weights.layer.front().attention.key_value_down.type == Number::F32 ? Number::F32
                                                                            : Number::BF16;
}

struct Plan {
  model::MemoryNeed need;
  int64_t cache_bytes = 0;
  int64_t context_max = 0;
};

Plan plan_memory(const model::Config& config, const model::Checkpoint& checkpoint,
                 const LocalOptions& options) {
  Plan plan;
  plan.context_max = options.context_max > 0 ? options.context_max : config.positions;
  plan.need =
      model::memory_need(config, checkpoint, options.weights, options.rows_max, plan.context_max);
  const int64_t free = free_memory(), taken = plan.need.converted_bytes + plan.need.work_bytes;
  plan.cache_bytes = options.cache_bytes;
  if (plan.cache_bytes == 0)
    plan.cache_bytes = std::clamp(int64_t(LocalModel::kCacheShare * double(free - taken)),
                                  LocalModel::kCacheBytesLeast, LocalModel::kCacheBytesMost);
  if (free > 0 && taken + plan.cache_bytes > free)
    throw NotEnoughMemory(fmt::format(
        "not enough memory: {:.2f} GiB for weights that are converted or copied, {:.2f} GiB to "
        "work in and {:.2f} GiB of cache are needed, {:.2f} GiB are free; a smaller --cache, a "
        "smaller --context or --weights as-is needs less",
        gib(plan.need.converted_bytes), gib(plan.need.work_bytes), gib(plan.cache_bytes),
        gib(free)));
  // Whoever asked for no context gets what the cache can hold of the model's.
  const int64_t tokens = plan.cache_bytes / plan.need.cache_bytes_per_token;
  if (options.context_max == 0)
    plan.context_max = std::min(plan.context_max, tokens / kPageTokens * kPageTokens);
  return plan;
}

std::string plan_words(const Plan& plan) {
  return fmt::format(
      "weights {:.2f} GiB in their files and {:.2f} GiB converted, {:.2f} GiB to work in, cache "
      "{:.2f} GiB ({} tokens at {} bytes), contexts of up to {} tokens",
      gib(plan.need.mapped_bytes), gib(plan.need.converted_bytes), gib(plan.need.work_bytes),
      gib(plan.cache_bytes), plan.cache_bytes / plan.need.cache_bytes_per_token,
      plan.need.cache_bytes_per_token, plan.context_max);
}

}  // namespace

class LocalModel::Impl {
 public:
  Impl(const std::filesystem::path& directory, const LocalOptions& options,
       const std::function<void(const std::string&)>& say)
      : directory_(directory),
        config_(model::read_config(directory)),
        tokenizer_(model::Tokenizer::load(directory)),
        chat_(tokenizer_, config_),
        kernels_(best_instructions(), options.threads > 0 ? options.threads : usable_cores()) {
    const auto checkpoint = model::Checkpoint::open(directory);
    const Plan plan = plan_memory(config_, *checkpoint, options);
    say(plan_words(plan));
    weights_ = model::load_weights(config_, checkpoint, options.weights);
    context_max_ = plan.context_max;
    identity_ =
        fmt::format("engine sha256:{} weights={} cache={} numerics={} instructions={}",
                    model::model_identity(directory, *checkpoint), model::to_text(options.weights),
                    cache_type(weights_) == Number::F32 ? "f32" : "bf16",
                    options.numerics == model::CacheNumerics::Plain ? "plain" : "published",
                    to_text(kernels_.level()));
    auto network =
        std::make_unique<model::Network>(weights_, kernels_,
                                         model::NetworkOptions{.rows_max = options.rows_max,
                                                               .context_max = context_max_,
                                                               .cache_type = cache_type(weights_),
                                                               .numerics = options.numerics});
    SchedulerOptions scheduler;
    scheduler.running_max = int32_t(options.running_max);
    scheduler.rows_max = int32_t(options.rows_max);
    scheduler.cache_bytes = plan.cache_bytes;
    engine_ = std::make_unique<Engine>(stepper_of(std::move(network)), tokenizer_, scheduler);
  }

  std::filesystem::path directory_;
  model::Config config_;
  model::Tokenizer tokenizer_;
  model::ChatFormat chat_;
  HostKernels kernels_;
  model::Weights weights_;
  int64_t context_max_ = 0;
  std::string identity_;
  std::unique_ptr<Engine> engine_;  // last: its thread uses all of the above
};

LocalModel::LocalModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalModel::~LocalModel() = default;

std::unique_ptr<LocalModel> LocalModel::load(const std::filesystem::path& directory,
                                             const LocalOptions& options,
                                             const std::function<void(const std::string&)>& say) {
  return std::unique_ptr<LocalModel>(
      new LocalModel(std::make_unique<Impl>(directory, options, say)));
}

const std::filesystem::path& LocalModel::directory() const { return impl_->directory_; }
const model::Config& LocalModel::config() const { return impl_->config_; }
const model::Tokenizer& LocalModel::tokenizer() const { return impl_->tokenizer_; }
const model::ChatFormat& LocalModel::chat() const { return impl_->chat_; }
Engine& LocalModel::engine() { return *impl_->engine_; }
int64_t LocalModel::context_max() const { return impl_->context_max_; }
const std::string& LocalModel::identity() const { return impl_->identity_; }

}  // namespace engine
