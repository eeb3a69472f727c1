#include <doctest/doctest.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "model/files.h"
#include "model/inspect.h"
#include "model/weights.h"
#include "tests/model/mutations.h"
#include "tests/model/tiny_checkpoint.h"
#include "text/utf8.h"

// Directories that strangers broke: each is refused in a sentence, or read as it says.

using nlohmann::json;

namespace {

// A model of about 40 kB with an indexer, FP8 scales and experts.
tiny::Checkpoint small() {
  return {.storage = tiny::Storage::Float8,
          .config = {{"vocab_size", "40"},
                     {"hidden_size", "32"},
                     {"num_hidden_layers", "2"},
                     {"num_attention_heads", "2"},
                     {"num_key_value_heads", "2"},
                     {"q_lora_rank", "16"},
                     {"intermediate_size", "40"},
                     {"n_routed_experts", "4"},
                     {"n_group", "2"},
                     {"topk_group", "1"},
                     {"num_experts_per_tok", "2"}}};
}

// Bounds against work that grows without end, not measurements: builds that are not optimised or
// watched by a sanitizer are slower, and a sanitizer keeps freed memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr bool kSlowBuild = true;
#else
constexpr bool kSlowBuild = false;
#endif
constexpr double kSecondsMax = kSlowBuild ? 30 : 1;
constexpr int64_t kMemoryKibMax = kSlowBuild ? 1 << 20 : 64 << 10;

double cpu_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

int64_t most_memory_kib() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

struct Outcomes {
  int64_t refused = 0;
  int64_t read = 0;
  double slowest_seconds = 0;
};

// Tries `cases` broken inputs. `attempt` throws Refused, or checks what it could read.
Outcomes try_all(int64_t cases, const std::function<void(uint64_t seed)>& attempt) {
  Outcomes outcomes;
  for (int64_t seed = 1; seed <= cases; ++seed) {
    CAPTURE(seed);
    const double begin = cpu_seconds();
    try {
      attempt(uint64_t(seed));
      ++outcomes.read;
    } catch (const model::Refused& refused) {
      const std::string sentence = refused.what();
      ++outcomes.refused;
      CHECK(sentence.size() > 10);
      CHECK(sentence.size() < 1000);
      CHECK(sentence.find('\n') == std::string::npos);
      CHECK_FALSE(text::find_invalid_utf8(sentence).has_value());
    }
    outcomes.slowest_seconds = std::max(outcomes.slowest_seconds, cpu_seconds() - begin);
  }
  return outcomes;
}

void check_bounds(const Outcomes& outcomes, int64_t memory_before_kib) {
  CHECK(outcomes.refused > outcomes.read);
  CHECK(outcomes.read > 0);
  CHECK(outcomes.slowest_seconds < kSecondsMax);
  CHECK(most_memory_kib() - memory_before_kib < kMemoryKibMax);
  MESSAGE(outcomes.refused << " refused, " << outcomes.read << " read, slowest "
                           << outcomes.slowest_seconds * 1e3 << " ms");
}

// Whatever the loader took must be what another reader sees in the same header.
void check_against_tree(const std::string& file, const model::Checkpoint& checkpoint) {
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  const json tree = json::parse(file.substr(8, length));
  CHECK(tree.size() - tree.count("__metadata__") == checkpoint.tensors().size());
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const json& entry = tree.at(name);
    CHECK(entry.at("dtype") == tensor.type);
    CHECK(entry.at("shape") == tensor.shape);
    CHECK(entry.at("data_offsets").at(0) == tensor.offset - 8 - length);
    CHECK(entry.at("data_offsets").at(1) == tensor.offset - 8 - length + tensor.bytes.size());
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(),
                     reinterpret_cast<const unsigned char*>(file.data()) + tensor.offset));
  }
}

void check_sane(const model::Config& config) {
  CHECK(std::isfinite(config.softmax_scale()));
  CHECK(config.softmax_scale() > 0);
  CHECK(config.rope % 2 == 0);
  CHECK(config.chosen_experts <= config.experts);
  CHECK(model::parameters(config) > 0);
  CHECK(model::parameters(config) < int64_t(1) << 60);
  CHECK(model::active_parameters(config) <= model::parameters(config));
  if (config.rope <= 64)
    for (const float number : model::rope_table(config, 3)) CHECK(std::isfinite(number));
}

void break_headers(int64_t cases) {
  const tiny::Directory directory;
  tiny::write(directory.path(), small());
  const std::string file = directory.read("model.safetensors");
  const model::Config config = model::read_config(directory.path());
  const int64_t before = most_memory_kib();
  const Outcomes outcomes = try_all(cases, [&](uint64_t seed) {
    const std::string broken = tiny::Mutator(seed).mutate_safetensors(file);
    directory.write("model.safetensors", broken);
    const auto checkpoint = model::Checkpoint::open(directory.path());
    check_against_tree(broken, *checkpoint);
    if (!model::weight_faults(config, *checkpoint).empty()) return;
    const model::Weights weights =
        model::load_weights(config, checkpoint, model::WeightFormat::Bfloat16);
    CHECK(weights.layer.size() == 2);
  });
  check_bounds(outcomes, before);
}

void break_configs(int64_t cases) {
  const tiny::Directory directory;
  tiny::write(directory.path(), small());
  const std::string file = directory.read("config.json");
  const int64_t before = most_memory_kib();
  const Outcomes outcomes = try_all(cases, [&](uint64_t seed) {
    const std::string broken = tiny::Mutator(seed).mutate(file);
    directory.write("config.json", broken);
    const model::Config config = model::read_config(directory.path());
    CHECK(config.hidden == json::parse(broken).at("hidden_size"));
    CHECK(config.latent == json::parse(broken).at("kv_lora_rank"));
    check_sane(config);
    const model::Inspection seen = model::inspect(directory.path(), {.rows = 4, .context = 16});
    CHECK(seen.faults.size() <= model::kFaultsMax + 1);
    if (seen.faults.empty())
      model::load_weights(config, model::Checkpoint::open(directory.path()),
                          model::WeightFormat::AsIs);
  });
  check_bounds(outcomes, before);
}

void break_indices(int64_t cases) {
  tiny::Checkpoint what = small();
  what.shards = 2;
  const tiny::Directory directory;
  tiny::write(directory.path(), what);
  const std::string name = "model.safetensors.index.json", file = directory.read(name);
  const auto whole = model::Checkpoint::open(directory.path());
  const int64_t before = most_memory_kib();
  const Outcomes outcomes = try_all(cases, [&](uint64_t seed) {
    const std::string broken = tiny::Mutator(seed).mutate(file);
    directory.write(name, broken);
    const auto checkpoint = model::Checkpoint::open(directory.path());
    const json map = json::parse(broken).at("weight_map");
    for (const auto& [tensor, shard] : map.items()) CHECK(checkpoint->find(tensor)->file == shard);
    CHECK(checkpoint->tensors().size() <= whole->tensors().size());
  });
  check_bounds(outcomes, before);
}

}  // namespace

TEST_SUITE("model/hostile") {
  TEST_CASE("300 broken headers are refused, or read as another reader reads them") {
    break_headers(300);
  }
  TEST_CASE("300 broken configs are refused, or give numbers within all limits") {
    break_configs(300);
  }
  TEST_CASE("300 broken indices are refused, or followed") { break_indices(300); }

  TEST_CASE("the largest config is read in bounded time") {
    const tiny::Directory directory;
    directory.write("config.json", tiny::config_json(model::Family::DeepseekV32,
                                                     {{"num_hidden_layers", "1024"},
                                                      {"n_routed_experts", "40"},
                                                      {"index_topk", "1048576"},
                                                      {"max_position_embeddings", "16777216"}}));
    directory.write("model.safetensors", tiny::safetensors({}));
    const int64_t before = most_memory_kib();
    const Outcomes outcomes = try_all(1, [&](uint64_t) {
      CHECK(model::inspect(directory.path(), {}).faults.size() == model::kFaultsMax + 1);
    });
    CHECK(outcomes.read == 1);
    CHECK(outcomes.slowest_seconds < kSecondsMax);
    CHECK(most_memory_kib() - before < kMemoryKibMax);
  }

  TEST_CASE("a header and an index as large as may be are refused in bounded time") {
    const std::string text = "{\"__metadata__\":{\"a\":\"" +
                             std::string(model::Checkpoint::kIndexBytesMax - 40, 'x') + "\"}}";
    const Outcomes outcomes = try_all(2, [&](uint64_t seed) {
      if (seed == 1) model::parse_safetensors_header(text, 8 + text.size() + 1, "f");
      if (seed == 2) model::parse_safetensors_index(text, "f");
    });
    CHECK(outcomes.refused == 2);
    CHECK(outcomes.slowest_seconds < kSecondsMax);
  }

  TEST_CASE("what fuzzing found worth keeping is refused or read") {
    const auto each = [](const std::string& name,
                         const std::function<void(std::string_view)>& read) {
      int64_t files = 0;
      for (const auto& entry :
           std::filesystem::directory_iterator(SOURCE_DIR "/tests/fuzz/corpus/" + name)) {
        const std::string text = model::read_whole_file(entry.path(), 1 << 20);
        ++files;
        try {
          read(text);
        } catch (const model::Refused& refused) {
          CHECK(std::string_view(refused.what()).size() > 10);
        }
      }
      CHECK(files > 0);
    };
    each("config", [](std::string_view text) { check_sane(model::parse_config(text, "")); });
    each("safetensors_header", [](std::string_view text) {
      model::parse_safetensors_header(text, 8 + text.size() + 4096, "f");
    });
    each("safetensors_index",
         [](std::string_view text) { model::parse_safetensors_index(text, "index"); });
  }
}

TEST_SUITE("slow/model/hostile") {
  TEST_CASE("10,000 broken headers are refused, or read as another reader reads them") {
    break_headers(10'000);
  }
  TEST_CASE("10,000 broken configs are refused, or give numbers within all limits") {
    break_configs(10'000);
  }
  TEST_CASE("10,000 broken indices are refused, or followed") { break_indices(10'000); }
}
