#include "engine/memory_plan.h"

#include <doctest/doctest.h>

using engine::MemoryPlan;
using engine::NotEnoughMemory;
using Reach = Memory::Reach;

namespace {

constexpr int64_t kGiB = int64_t(1) << 30;

// 10 GiB in files, 2 converted, 1 to work in and 1 more on a device; a token caches 1 KiB.
const model::MemoryNeed kNeed{.mapped_bytes = 10 * kGiB,
                              .converted_bytes = 2 * kGiB,
                              .cache_bytes_per_token = 1024,
                              .work_bytes = kGiB,
                              .device_bytes = kGiB};

model::Config config() {
  model::Config config;
  config.positions = 100'000;
  return config;
}

}  // namespace

TEST_SUITE("engine/memory_plan") {
  TEST_CASE("the processor reads weights where they are mapped, a device holds them all") {
    const auto host = MemoryPlan::make(kNeed, config(), {}, Reach::Processor, 23 * kGiB);
    CHECK(host.weight_bytes == 2 * kGiB);
    CHECK(host.work_bytes == kGiB);
    CHECK(host.cache_bytes == 10 * kGiB);  // half of what is left
    const auto device = MemoryPlan::make(kNeed, config(), {}, Reach::Device, 24 * kGiB);
    CHECK(device.weight_bytes == 12 * kGiB);
    CHECK(device.work_bytes == 2 * kGiB);
    CHECK(device.cache_bytes == 9 * kGiB);  // nine tenths of what is left
    CHECK(device.context_max == 100'000);
  }

  TEST_CASE("what does not fit is refused with its numbers") {
    CHECK_THROWS_WITH_AS(
        MemoryPlan::make(kNeed, config(), {.cache_bytes = 2 * kGiB}, Reach::Device, 15 * kGiB),
        "not enough memory on the device: 12.00 GiB for weights, 2.00 GiB to work in and 2.00 GiB "
        "of cache are needed, 15.00 GiB are free; a smaller --cache, a smaller --context or "
        "--weights q8 needs less",
        NotEnoughMemory);
    CHECK_THROWS_AS(
        MemoryPlan::make(kNeed, config(), {.cache_bytes = 2 * kGiB}, Reach::Processor, 4 * kGiB),
        NotEnoughMemory);
    CHECK_NOTHROW(
        MemoryPlan::make(kNeed, config(), {.cache_bytes = 2 * kGiB}, Reach::Device, 16 * kGiB));
    // What is not known forbids nothing.
    CHECK_NOTHROW(
        MemoryPlan::make(kNeed, config(), {.cache_bytes = 2 * kGiB}, Reach::Processor, 0));
  }

  TEST_CASE("a context that nobody asked for is as long as the cache") {
    const int64_t bytes = 1000 * 1024;
    const auto plan =
        MemoryPlan::make(kNeed, config(), {.cache_bytes = bytes}, Reach::Device, 100 * kGiB);
    CHECK(plan.context_max == 960);  // 15 pages of 64 tokens
    const auto asked = MemoryPlan::make(kNeed, config(), {.context_max = 500, .cache_bytes = bytes},
                                        Reach::Device, 100 * kGiB);
    CHECK(asked.context_max == 500);
  }

  TEST_CASE("the plan is told in a line") {
    CHECK(MemoryPlan::make(kNeed, config(), {.cache_bytes = kGiB}, Reach::Device, 0).words() ==
          "on the device: weights 12.00 GiB, 2.00 GiB to work in, cache 1.00 GiB (1048576 tokens "
          "at 1024 bytes), contexts of up to 100000 tokens");
  }
}
