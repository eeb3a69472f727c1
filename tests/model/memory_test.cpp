#include <doctest/doctest.h>

#include "model/cache.h"
#include "model/weights.h"
#include "tests/model/published_configs.h"
#include "tests/model/tiny_checkpoint.h"

using model::MemoryNeed;
using model::WeightFormat;

namespace {

struct Measured {
  MemoryNeed need;
  int64_t stored = 0;
};

Measured need(const tiny::Checkpoint& what, WeightFormat format) {
  const tiny::Directory directory;
  tiny::write(directory.path(), what);
  const auto config = model::read_config(directory.path());
  const auto checkpoint = model::Checkpoint::open(directory.path());
  return {model::memory_need(config, *checkpoint, {.weights = format, .rows = 4, .context = 100}),
          checkpoint->bytes()};
}

}  // namespace

TEST_SUITE("model/memory") {
  TEST_CASE("what is used as it is stored is mapped, and nothing is converted") {
    const Measured f32 = need({.storage = tiny::Storage::F32}, WeightFormat::AsIs);
    CHECK(f32.need.mapped_bytes == f32.stored);
    CHECK(f32.need.converted_bytes == 0);
    const Measured fp8 = need({.storage = tiny::Storage::Float8}, WeightFormat::AsIs);
    CHECK(fp8.need.mapped_bytes == fp8.stored);
    CHECK(fp8.need.converted_bytes == 0);
  }

  TEST_CASE("from F32 to BF16, matrices take half of what they did") {
    const Measured f32 = need({.storage = tiny::Storage::F32}, WeightFormat::Bfloat16);
    CHECK(f32.need.converted_bytes == (f32.stored - f32.need.mapped_bytes) / 2);
    // Norms, the routers of two layers and the weights_proj of three stay: a few percent.
    CHECK(f32.need.mapped_bytes * 30 < f32.stored);
  }

  TEST_CASE("Int8 takes a byte a number and four for each row and 128 columns") {
    const Measured bf16 = need({}, WeightFormat::Int8);
    const int64_t embedding = 320 * 160 * 2, routers = 2 * 8 * 160 * 2, heads = 3 * 4 * 160 * 2;
    const int64_t biases = 2 * 8 * 4;
    CHECK(bf16.need.mapped_bytes == embedding + routers + heads + biases);
    const int64_t numbers =
        model::parameters(model::parse_config(tiny::config_json(model::Family::DeepseekV32), "")) -
        320 * 160;
    CHECK(bf16.need.converted_bytes > numbers);
    CHECK(bf16.need.converted_bytes < numbers * 5 / 4);
  }

  TEST_CASE("a token of DeepSeek-V3.2 caches 576 latents and 128 index keys in 61 layers") {
    const auto config = model::parse_config(published::kDeepseekV32, "");
    CHECK(model::CacheFormat::of(config, Number::BF16).bytes_per_token() == 61 * (576 + 128) * 2);
  }

  TEST_CASE("records of FP8 take 656 bytes a layer for the latents of DeepSeek-V3.2") {
    const auto config = model::parse_config(published::kDeepseekV32, "");
    using model::LatentFormat;
    CHECK(model::CacheFormat::of(config, Number::BF16, LatentFormat::Float8).bytes_per_token() ==
          61 * (656 + 128 * 2));
    const tiny::Directory directory;
    tiny::write(directory.path(), {});
    const auto tiny = model::read_config(directory.path());  // 32 latents, 8 of a key, 16 to index
    const auto checkpoint = model::Checkpoint::open(directory.path());
    CHECK(model::memory_need(tiny, *checkpoint, {.latents = LatentFormat::Float8})
              .cache_bytes_per_token == 3 * (32 + 4 + 8 * 2 + 16 * 2));
  }

  TEST_CASE("the cache is in floats where the matrices are") {
    const int64_t numbers = 3 * (32 + 8 + 16);
    CHECK(need({.storage = tiny::Storage::F32}, WeightFormat::AsIs).need.cache_bytes_per_token ==
          numbers * 4);
    CHECK(need({.storage = tiny::Storage::F32}, WeightFormat::Int8).need.cache_bytes_per_token ==
          numbers * 2);
    CHECK(need({}, WeightFormat::AsIs).need.cache_bytes_per_token == numbers * 2);
  }

  TEST_CASE("work grows with rows and, in sparse models, with the context") {
    const auto config = model::parse_config(tiny::config_json(model::Family::DeepseekV32), "");
    const tiny::Directory directory;
    tiny::write(directory.path(), {});
    const auto checkpoint = model::Checkpoint::open(directory.path());
    const auto work = [&](int64_t rows, int64_t context) {
      return model::memory_need(config, *checkpoint, {.rows = rows, .context = context}).work_bytes;
    };
    CHECK(work(8, 0) == 2 * work(4, 0));
    CHECK(work(4, 200) - work(4, 100) == 100 * (4 + 8) * 4);  // scores of 4 rows, 8 angles
  }
}
