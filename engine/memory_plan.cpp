#include "engine/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/pages.h"

namespace engine {
namespace {

double gib(int64_t bytes) { return double(bytes) / (1 << 30); }

// The cache's bytes if nobody says them.
int64_t share(const MemoryPlan& plan, int64_t free_bytes) {
  const int64_t left = free_bytes - plan.weight_bytes - plan.work_bytes;
  const double part =
      plan.reach == Memory::Reach::Device ? MemoryPlan::kDeviceCacheShare : MemoryPlan::kCacheShare;
  return std::clamp(int64_t(part * double(left)), MemoryPlan::kCacheBytesLeast,
                    MemoryPlan::kCacheBytesMost);
}

void check(const MemoryPlan& plan, int64_t free_bytes) {
  if (free_bytes <= 0 || plan.weight_bytes + plan.work_bytes + plan.cache_bytes <= free_bytes)
    return;
  const bool device = plan.reach == Memory::Reach::Device;
  throw NotEnoughMemory(fmt::format(
      "not enough memory{}: {:.2f} GiB for weights{}, {:.2f} GiB to work in and {:.2f} GiB of "
      "cache are needed, {:.2f} GiB are free; a smaller --cache, a smaller --context or {} needs "
      "less",
      device ? " on the device" : "", gib(plan.weight_bytes),
      device ? "" : " that are converted or copied", gib(plan.work_bytes), gib(plan.cache_bytes),
      gib(free_bytes), device ? "--weights q8" : "--weights as-is"));
}

}  // namespace

MemoryPlan MemoryPlan::make(const model::MemoryNeed& need, const model::Config& config,
                            const Wishes& wishes, Memory::Reach reach, int64_t free_bytes) {
  const bool device = reach == Memory::Reach::Device;
  MemoryPlan plan{.need = need, .reach = reach};
  plan.weight_bytes = need.converted_bytes + (device ? need.mapped_bytes : 0);
  plan.work_bytes = need.work_bytes + (device ? need.device_bytes : 0);
  plan.context_max = wishes.context_max > 0 ? wishes.context_max : config.positions;
  plan.cache_bytes = wishes.cache_bytes > 0 ? wishes.cache_bytes : share(plan, free_bytes);
  check(plan, free_bytes);
  // Whoever asked for no context gets what the cache can hold of the model's.
  const int64_t tokens = plan.cache_bytes / need.cache_bytes_per_token;
  if (wishes.context_max == 0)
    plan.context_max = std::min(plan.context_max, tokens / kPageTokens * kPageTokens);
  return plan;
}

std::string MemoryPlan::words() const {
  const std::string weights =
      reach == Memory::Reach::Device
          ? fmt::format("on the device: weights {:.2f} GiB", gib(weight_bytes))
          : fmt::format("weights {:.2f} GiB in their files and {:.2f} GiB converted",
                        gib(need.mapped_bytes), gib(need.converted_bytes));
  return fmt::format(
      "{}, {:.2f} GiB to work in, cache {:.2f} GiB ({} tokens at {} bytes), contexts of up to {} "
      "tokens",
      weights, gib(work_bytes), gib(cache_bytes), cache_bytes / need.cache_bytes_per_token,
      need.cache_bytes_per_token, context_max);
}

}  // namespace engine
