// The network on a device whose memory the processor cannot reach. Its kernels are the processor's,
// so that every bit must be.
#include <doctest/doctest.h>

#include <cstring>

#include "tests/model/far_kernels.h"
#include "tests/model/network_kit.h"
#include "tests/model/tiny_checkpoint.h"

using namespace golden;
using model::Broken;
using model::Network;
using model::NetworkOptions;
using model::Row;
using model::WeightFormat;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Tiny {
  tiny::Directory directory;
  model::Weights weights;

  explicit Tiny(const tiny::Checkpoint& what, WeightFormat format = WeightFormat::AsIs) {
    tiny::write(directory.path(), what);
    weights = model::load_weights(model::read_config(directory.path()),
                                  model::Checkpoint::open(directory.path()), format);
  }
};

void ignore(int64_t, int64_t) {}

// A network on the processor or on the far device.
struct There {
  HostKernels kernels;
  Network network;
  There(const model::Weights& weights, const NetworkOptions& options)
      : kernels(best_instructions(), 2), network(weights, kernels, options) {}
};
struct Far {
  far::FarKernels kernels;
  model::Weights weights;
  Network network;
  Far(const model::Weights& of, const NetworkOptions& options)
      : kernels(best_instructions(), 2),
        weights(model::to_device(of, kernels.memory(), ignore)),
        network(weights, kernels, options) {}
};

std::vector<int32_t> tokens_of(int64_t count, int64_t vocabulary, int64_t seed) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(int32_t((7919 * i + seed) % vocabulary));
  return tokens;
}

// Several sequences: a prompt each, then a token each a step. All logits there were.
class Batch {
 public:
  Batch(Network& network, int64_t sequences, int64_t tokens) : network_(network) {
    for (int64_t s = 0; s < sequences; ++s) {
      pages_.push_back(std::make_unique<Pages>(network, tokens));
      tokens_.push_back(tokens_of(tokens, network.config().vocabulary, s));
    }
  }

  void read(int64_t first, int64_t end) {
    for (std::size_t s = 0; s < pages_.size(); ++s)
      for (int64_t at = first; at < end; at += network_.rows_max()) {
        std::vector<Row> rows;
        for (int64_t i = at; i < std::min(at + network_.rows_max(), end); ++i)
          rows.push_back(row(s, i, Row::Logits::No));
        step(rows);
      }
  }
  void decode(int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) {
      std::vector<Row> rows;
      for (std::size_t s = 0; s < pages_.size(); ++s) rows.push_back(row(s, i, Row::Logits::Yes));
      step(rows);
    }
  }
  void step(const std::vector<Row>& rows) {
    const int64_t asking = std::count_if(rows.begin(), rows.end(),
                                         [](auto& r) { return r.logits == Row::Logits::Yes; });
    const int64_t vocabulary = network_.config().vocabulary;
    std::vector<float> made(std::size_t(asking * vocabulary));
    network_.forward(rows, {.data = made.data(), .extent = {asking, vocabulary}});
    logits.insert(logits.end(), made.begin(), made.end());
  }
  Row row(std::size_t s, int64_t position, Row::Logits asks) const {
    return {.token = tokens_[s][std::size_t(position)],
            .position = int32_t(position),
            .pages = pages_[s]->data(),
            .logits = asks};
  }
  Pages& pages(std::size_t s) { return *pages_[s]; }

  std::vector<float> logits;

 private:
  Network& network_;
  std::vector<std::unique_ptr<Pages>> pages_;
  std::vector<std::vector<int32_t>> tokens_;
};

std::string broken_by(Batch& batch, const std::vector<Row>& rows) {
  try {
    batch.step(rows);
  } catch (const Broken& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("model/device") {
  TEST_CASE("every family has the processor's bits, in any portions") {
    for (const char* name : {"v32", "v3", "moonlight", "v2_lite", "v2", "glm"})
      for (const auto numerics : {model::CacheNumerics::Plain, model::CacheNumerics::Published}) {
        const Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
        There there(loaded.weights, {.rows_max = 80, .numerics = numerics});
        const auto tokens = tokens_of(80, loaded.config.vocabulary, 1);
        const auto expected = logits_of(there.network, tokens, 80);
        for (const int64_t chunk : {1, 7, 80}) {
          CAPTURE(name);
          CAPTURE(chunk);
          Far far(loaded.weights, {.rows_max = chunk, .numerics = numerics});
          CHECK(same_bits(logits_of(far.network, tokens, chunk), expected));
        }
      }
  }

  TEST_CASE("weights of every kind are moved whole") {
    for (const auto storage : {tiny::Storage::F32, tiny::Storage::Bfloat16, tiny::Storage::Float8})
      for (const auto format : {WeightFormat::AsIs, WeightFormat::Int8}) {
        if (storage == tiny::Storage::Float8 && format == WeightFormat::Int8) continue;
        const Tiny tiny({.storage = storage}, format);
        There there(tiny.weights, {.rows_max = 64});
        Far far(tiny.weights, {.rows_max = 64});
        const auto tokens = tokens_of(64, 320, 2);
        CHECK(same_bits(logits_of(far.network, tokens, 64), logits_of(there.network, tokens, 64)));
      }
  }

  TEST_CASE("moving weights tells how far it is, and refuses what has no room") {
    const Tiny tiny({});
    const int64_t all = model::device_bytes(tiny.weights);
    far::FarKernels kernels(Instructions::Plain, 1, all);
    int64_t last = 0, calls = 0;

    {
      const auto moved =
          model::to_device(tiny.weights, kernels.memory(), [&](int64_t done, int64_t of) {
            CHECK(of == all);
            CHECK(done > last);
            last = done;
            ++calls;
          });
      CHECK(moved.checkpoint == nullptr);
      CHECK(moved.norm.data != tiny.weights.norm.data);
      CHECK(moved.head.data != nullptr);
    }

    CHECK(last == all);
    CHECK(calls == int64_t(model::wanted_tensors(tiny.weights.config).size()));
    CHECK(kernels.memory().taken() == 0);
    far::FarKernels small(Instructions::Plain, 1, all - Memory::kAlignment);
    CHECK_THROWS_AS(model::to_device(tiny.weights, small.memory(), ignore), OutOfMemory);
    HostMemory host;
    CHECK(model::to_device(tiny.weights, host, ignore).norm.data == tiny.weights.norm.data);
  }

  TEST_CASE("more logits than a device makes at once are all there") {
    const Tiny tiny({});
    const int64_t rows = Network::kLogitsRows + 44;
    There there(tiny.weights, {.rows_max = rows});
    Far far(tiny.weights, {.rows_max = rows});
    const auto tokens = tokens_of(rows, 320, 3);

    CHECK(same_bits(logits_of(far.network, tokens, rows), logits_of(there.network, tokens, rows)));
    CHECK(far.kernels.recordings() == 0);  // too many rows
  }

  TEST_CASE("a decoding step like the last two is started again, to the same bits") {
    for (const auto family : {model::Family::DeepseekV32, model::Family::DeepseekV3}) {
      const Tiny tiny({.family = family});
      There there(tiny.weights, {.rows_max = 64});
      Far far(tiny.weights, {.rows_max = 64});
      Batch expected(there.network, 3, 60), batch(far.network, 3, 60);
      for (Batch* b : {&expected, &batch}) {
        b->read(0, 5);
        b->decode(5, 60);  // the indexer chooses 8, from position 8 on
      }

      CHECK(same_bits(batch.logits, expected.logits));
      const bool sparse = tiny.weights.config.sparse();
      CHECK(far.kernels.recordings() == (sparse ? 2 : 1));
      CHECK(far.kernels.replays == (sparse ? 55 - 4 : 55 - 2));
      const int64_t calls = far.kernels.calls;
      Batch other(far.network, 3, 60);
      other.read(0, 5);
      const int64_t read = far.kernels.calls;
      CHECK(read > calls);
      other.decode(5, 7);
      CHECK(far.kernels.calls == read);  // recorded before, of other sequences
    }
  }

  TEST_CASE("a recording serves all contexts of one size, and the next size has its own") {
    const Tiny tiny(
        {.family = model::Family::DeepseekV32, .config = {{"max_position_embeddings", "3000"}}});
    There there(tiny.weights, {.rows_max = 512});
    Far far(tiny.weights, {.rows_max = 512});
    Batch expected(there.network, 1, 2070), batch(far.network, 1, 2070);
    const auto go = [&](int64_t read_to, int64_t first, int64_t end) {
      for (Batch* b : {&expected, &batch}) {
        b->read(read_to, first);
        b->decode(first, end);
      }
    };

    go(0, 1000, 1010);
    CHECK(far.kernels.recordings() == 1);
    go(1010, 1010, 1020);
    CHECK(far.kernels.recordings() == 1);
    go(1020, 1020, 1034);  // 1025 tokens are seen from position 1024
    CHECK(far.kernels.recordings() == 2);
    go(1034, 2040, 2070);  // 2049 from 2048: 3000, the whole context
    CHECK(far.kernels.recordings() == 3);
    CHECK(same_bits(batch.logits, expected.logits));
  }

  TEST_CASE("networks on one device do not start each other's recordings") {
    const Tiny one({}), other({.family = model::Family::DeepseekV3});
    Far far(one.weights, {.rows_max = 8});
    const auto moved = model::to_device(other.weights, far.kernels.memory(), ignore);
    Network second(moved, far.kernels, {.rows_max = 8});
    There there(other.weights, {.rows_max = 8});
    Batch first(far.network, 1, 20), batch(second, 1, 20), expected(there.network, 1, 20);

    for (Batch* b : {&first, &batch, &expected}) b->decode(0, 20);

    CHECK(same_bits(batch.logits, expected.logits));
  }

  TEST_CASE("experts are kept as the processor keeps them") {
    const Tiny tiny({});
    There there(tiny.weights, {.rows_max = 64, .routing = model::Routing::Record});
    Far far(tiny.weights, {.rows_max = 64, .routing = model::Routing::Record});
    Batch expected(there.network, 2, 40), batch(far.network, 2, 40);
    const std::vector<Row::Logits> some{Row::Logits::No, Row::Logits::Yes};
    const auto experts = [&](Network& network, Batch& b, int64_t position) {
      std::vector<Row> rows;
      for (const std::size_t s : {0, 1}) rows.push_back(b.row(s, position, some[s]));
      b.step(rows);
      return std::vector<int32_t>(network.experts().begin(), network.experts().end());
    };
    for (Batch* b : {&expected, &batch}) b->read(0, 20);

    for (int64_t position = 20; position < 25; ++position) {
      const auto kept = experts(there.network, expected, position);
      CHECK(experts(far.network, batch, position) == kept);
      CHECK(kept[0] >= 0);
      CHECK(kept[kept.size() / 2 - 1] == -1);  // the last layer of the row that did not ask
      CHECK(kept.back() >= 0);
    }
    for (Batch* b : {&expected, &batch}) b->decode(25, 30);
    CHECK(std::ranges::equal(far.network.experts(), there.network.experts()));
    CHECK(far.kernels.replays == 3);
  }

  TEST_CASE("a NaN is named with its layer and position, on any device") {
    const Tiny tiny({});
    There there(tiny.weights, {.rows_max = 64});
    Far far(tiny.weights, {.rows_max = 64});
    for (Network* network : {&there.network, &far.network}) {
      Batch batch(*network, 2, 40);
      CHECK(broken_by(batch, {batch.row(0, 30, Row::Logits::Yes)}) ==
            "layer 0: the indexer's score of a token seen from position 30 is not a number; the "
            "weights or the cache are damaged");
      CHECK(broken_by(batch, {batch.row(0, 3, Row::Logits::Yes)}) ==
            "the logits at position 3 are not numbers; the weights or the cache are damaged");

      batch.read(0, 30);
      const model::CacheFormat& cache = network->cache();
      batch.pages(1).fill(cache.index_key_offset(2), cache.index_key.bytes());
      CHECK(broken_by(batch,
                      {batch.row(0, 30, Row::Logits::No), batch.row(1, 25, Row::Logits::Yes)}) ==
            "layer 2: the indexer's score of a token seen from position 25 is not a number; the "
            "weights or the cache are damaged");
      // Where nobody reads it, it does no harm.
      CHECK(broken_by(batch, {batch.row(0, 30, Row::Logits::Yes),
                              batch.row(1, 25, Row::Logits::No)}) == "");
    }
  }

  TEST_CASE("whoever watches sees the processor's values") {
    const Tiny tiny({});
    There there(tiny.weights, {.rows_max = 64});
    Far far(tiny.weights, {.rows_max = 64});
    std::vector<float> seen[2];
    std::vector<std::string> names[2];
    int which = 0;
    for (Network* network : {&there.network, &far.network}) {
      network->watch([&](std::string_view name, int64_t layer, View<const float, 2> values) {
        names[which].push_back(std::string(name) + std::to_string(layer));
        seen[which].insert(seen[which].end(), values.data, values.data + values.size());
      });
      logits_of(*network, tokens_of(40, 320, 1), 20);
      ++which;
    }
    CHECK(names[0].size() > 20);
    CHECK(names[0] == names[1]);
    CHECK(same_bits(seen[0], seen[1]));
  }

  TEST_CASE("a device's memory is given back") {
    const Tiny tiny({});
    far::FarKernels kernels(best_instructions());
    {
      const auto weights = model::to_device(tiny.weights, kernels.memory(), ignore);
      Network network(weights, kernels, {.rows_max = 4});
      logits_of(network, tokens_of(8, 320, 1), 4);
      CHECK(kernels.memory().taken() > 0);
    }
    CHECK(kernels.memory().taken() == 0);
  }
}
