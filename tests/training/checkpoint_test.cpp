#include "training/checkpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "model/files.h"
#include "model/weights.h"
#include "tests/model/tiny_checkpoint.h"
#include "tests/support/temp_dir.h"
#include "training/atomic_file.h"

using namespace training;

namespace {

std::string config_text() {
  return tiny::config_json(model::Family::DeepseekV32,
                           {{"rope_scaling", "null"}, {"n_group", "1"}, {"topk_group", "1"}});
}

// The parameters that the reader of model/ asks for.
std::vector<Parameter> wanted_parameters(const model::Config& config) {
  std::vector<Parameter> parameters;
  int64_t offset = 0;
  for (const model::Wanted& wanted : model::wanted_tensors(config)) {
    Parameter p{.name = wanted.name, .vector = wanted.shape.size() == 1};
    p.rows = p.vector ? 1 : wanted.shape[0];
    p.cols = wanted.shape.back();
    p.offset = offset;
    offset += p.size();
    parameters.push_back(p);
  }
  return parameters;
}

std::vector<float> waves(std::size_t count, float pace) {
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(std::sin(pace * float(i + 1)));
  return numbers;
}

text::Digest digest(const char* of) { return text::sha256(of); }

TrainingState some_state() {
  TrainingState state;
  state.weights = waves(5, 0.3f);
  state.weights[1] = -0.f;
  state.weights[2] = std::numeric_limits<float>::denorm_min();
  state.optimiser = OptimiserState(5);
  state.optimiser.step = 7;
  state.optimiser.first = waves(5, 0.5f);
  state.optimiser.second = waves(5, 0.7f);
  state.step = 31;
  state.tokens = 123'456'789'012;
  state.stage = "sparse";
  state.counters = {1, ~uint64_t(0), 3};
  state.configuration = digest("mine");
  return state;
}

// NaN and the zeros' signs included.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void put(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

std::string refusal_of(const std::filesystem::path& file, const char* configuration = "mine",
                       std::size_t numbers = 5) {
  try {
    load_state(file, digest(configuration), numbers);
  } catch (const StateRefused& refused) {
    return refused.what();
  }
  return "";
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("training/checkpoint_export") {
  TEST_CASE("the engine loads what is exported, matrices as asked and vectors as floats") {
    const model::Config config = model::parse_config(config_text(), "");
    const std::vector<Parameter> parameters = wanted_parameters(config);
    const std::vector<float> weights =
        waves(std::size_t(parameters.back().offset + parameters.back().size()), 0.61f);

    for (const StoredAs stored_as : {StoredAs::Bfloat16, StoredAs::Float}) {
      const support::TempDir directory;
      export_model(directory / "new/model", {config_text(), parameters, weights, stored_as});

      const auto checkpoint = model::Checkpoint::open(directory / "new/model");
      const model::Config read = model::read_config(directory / "new/model");
      CHECK(model::weight_faults(read, *checkpoint).empty());
      CHECK(checkpoint->tensors().size() == parameters.size());
      const model::Weights loaded =
          model::load_weights(read, checkpoint, model::WeightFormat::AsIs);

      const Number type = stored_as == StoredAs::Float ? Number::F32 : Number::BF16;
      CHECK(loaded.embedding.type == type);
      CHECK(loaded.layer.back().moe.up.back().type == type);
      for (const Parameter& p : parameters) {
        CAPTURE(p.name);
        const model::StoredTensor* tensor = checkpoint->find(p.name);
        REQUIRE(tensor != nullptr);
        const float expected = weights[std::size_t(p.offset + p.size() - 1)];
        if (p.vector || stored_as == StoredAs::Float) {
          float last = 0;
          std::memcpy(&last, tensor->bytes.data() + tensor->bytes.size() - 4, 4);
          CHECK(last == expected);
        } else {
          Bfloat16 last;
          std::memcpy(&last, tensor->bytes.data() + tensor->bytes.size() - 2, 2);
          CHECK(last.bits == to_bfloat16(expected).bits);
        }
      }
    }
  }

  TEST_CASE("nothing temporary stays behind") {
    const model::Config config = model::parse_config(config_text(), "");
    const std::vector<Parameter> parameters = wanted_parameters(config);
    const std::vector<float> weights(
        std::size_t(parameters.back().offset + parameters.back().size()), 0.5f);
    const support::TempDir directory;

    export_model(directory.path(), {config_text(), parameters, weights});
    export_model(directory.path(), {config_text(), parameters, weights});

    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"config.json", "model.safetensors"});
  }
}

TEST_SUITE("training/atomic_file") {
  TEST_CASE("a file that cannot be written leaves the old one and nothing else") {
    const support::TempDir directory;
    const std::string_view parts[] = {"ab", "", "c"};
    write_atomically(directory / "file", parts);
    CHECK(bytes_of(directory / "file") == "abc");

    std::filesystem::create_directory(directory / "taken");
    put(directory / "taken/inside", "x");  // a folder with something in it cannot be replaced
    CHECK_THROWS_AS(write_atomically(directory / "taken", parts), std::runtime_error);
    CHECK(!std::filesystem::exists(directory / "taken.part"));
    CHECK(bytes_of(directory / "taken/inside") == "x");
    CHECK_THROWS_AS(write_atomically(directory / "nowhere/file", parts), std::runtime_error);
  }
}

TEST_SUITE("training/checkpoint") {
  TEST_CASE("a state comes back bit for bit") {
    const support::TempDir directory;
    const TrainingState state = some_state();

    const auto file = save_state(directory / "run", state);
    const TrainingState read = load_state(file, digest("mine"), 5);

    CHECK(file.filename() == "state-000000000031.bin");
    CHECK(same_bits(read.weights, state.weights));
    CHECK(same_bits(read.optimiser.first, state.optimiser.first));
    CHECK(same_bits(read.optimiser.second, state.optimiser.second));
    CHECK(read.optimiser.step == 7);
    CHECK(read.step == 31);
    CHECK(read.tokens == 123'456'789'012);
    CHECK(read.stage == "sparse");
    CHECK(read.counters == state.counters);
    CHECK(read.configuration == state.configuration);
  }

  TEST_CASE("the last two states are kept, and other files are left alone") {
    const support::TempDir directory;
    put(directory / "state-x.bin", "not ours");
    put(directory / "notes.txt", "not ours");
    TrainingState state = some_state();

    for (const int64_t step : {5, 9, 10, 100}) {
      state.step = step;
      save_state(directory.path(), state);
    }

    const auto states = saved_states(directory.path());
    REQUIRE(states.size() == 2);
    CHECK(states[0].filename() == "state-000000000100.bin");
    CHECK(states[1].filename() == "state-000000000010.bin");
    CHECK(std::filesystem::exists(directory / "state-x.bin"));
    CHECK(std::filesystem::exists(directory / "notes.txt"));
    CHECK(saved_states(directory / "nowhere").empty());
  }

  TEST_CASE("a file cut short anywhere is refused") {
    const support::TempDir directory;
    const std::string whole = bytes_of(save_state(directory.path(), some_state()));
    REQUIRE(whole.size() < 400);

    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      CAPTURE(bytes);
      put(directory / "cut.bin", whole.substr(0, bytes));
      const std::string refusal = refusal_of(directory / "cut.bin");
      CHECK(holds(refusal, "cut short"));
      CHECK(holds(refusal, "cut.bin"));
    }
    put(directory / "cut.bin", whole + "x");
    CHECK(holds(refusal_of(directory / "cut.bin"), "damaged"));
  }

  TEST_CASE("a flipped bit anywhere is refused") {
    const support::TempDir directory;
    const std::string whole = bytes_of(save_state(directory.path(), some_state()));

    for (std::size_t at = 0; at < whole.size(); ++at) {
      CAPTURE(at);
      std::string flipped = whole;
      flipped[at] = char(flipped[at] ^ (1 << at % 8));
      put(directory / "flipped.bin", flipped);
      CHECK(!refusal_of(directory / "flipped.bin").empty());
    }
    std::string flipped = whole;
    flipped[whole.size() / 2] ^= 1;
    put(directory / "flipped.bin", flipped);
    CHECK(holds(refusal_of(directory / "flipped.bin"), "wrong checksum"));
  }

  TEST_CASE("what is not this run's is refused with what to do") {
    const support::TempDir directory;
    const auto file = save_state(directory.path(), some_state());

    CHECK(holds(refusal_of(file, "yours"), "another configuration"));
    CHECK(holds(refusal_of(file, "mine", 6), "holds 5 numbers where this model has 6"));
    CHECK(holds(refusal_of(directory / "none.bin"), "cannot be read"));
    put(directory / "text.bin", std::string(500, 'a'));
    CHECK(holds(refusal_of(directory / "text.bin"), "no state of a training run"));
    std::string newer = bytes_of(file);
    newer[8] = 2;
    put(directory / "newer.bin", newer);
    CHECK(holds(refusal_of(directory / "newer.bin"),
                "has version 2, and this program knows versions up to 1"));
  }
}
