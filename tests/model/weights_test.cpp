#include "model/weights.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/model/tiny_checkpoint.h"

using model::Config;
using model::Family;
using model::WeightFormat;
using model::Weights;

namespace {

Weights loaded(const tiny::Checkpoint& what, WeightFormat format = WeightFormat::AsIs) {
  const tiny::Directory directory;  // the mapping outlives the file's name
  tiny::write(directory.path(), what);
  return model::load_weights(model::read_config(directory.path()),
                             model::Checkpoint::open(directory.path()), format);
}

double value(const Matrix& m, int64_t r, int64_t c) {
  const auto* bytes = static_cast<const unsigned char*>(m.data);
  const int64_t i = r * m.cols + c;
  const auto scale = [&] { return double(m.scale(r / m.scale_rows, c / Matrix::kBlock)); };
  switch (m.type) {
    case Number::F32: {
      float number;
      std::memcpy(&number, bytes + 4 * i, 4);
      return number;
    }
    case Number::BF16: {
      Bfloat16 number;
      std::memcpy(&number, bytes + 2 * i, 2);
      return to_float(number);
    }
    case Number::FP8:
      return to_float(Float8{bytes[i]}) * scale();
    case Number::Int8:
      return int8_t(bytes[i]) * scale();
  }
  return NAN;
}

// The largest difference, in units of the largest number.
double distance(const Matrix& a, const Matrix& b) {
  REQUIRE(a.rows == b.rows);
  REQUIRE(a.cols == b.cols);
  double difference = 0, largest = 0;
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      difference = std::max(difference, std::abs(value(a, r, c) - value(b, r, c)));
      largest = std::max(largest, std::abs(value(a, r, c)));
    }
  return difference / largest;
}

std::string fault_with(const tiny::Checkpoint& what, const std::vector<tiny::Tensor>& tensors) {
  const tiny::Directory directory;
  tiny::write(directory.path(), what, tensors);
  const auto faults = model::weight_faults(model::read_config(directory.path()),
                                           *model::Checkpoint::open(directory.path()));
  return faults.empty() ? "" : faults.front();
}

tiny::Tensor& named(std::vector<tiny::Tensor>& tensors, const std::string& name) {
  return *std::ranges::find(tensors, name, &tiny::Tensor::name);
}

}  // namespace

TEST_SUITE("model/weights") {
  TEST_CASE("every family loads from every storage, in one file or several") {
    for (const Family family :
         {Family::DeepseekV2, Family::DeepseekV3, Family::DeepseekV32, Family::GlmMoeDsa})
      for (const tiny::Storage storage :
           {tiny::Storage::F32, tiny::Storage::Bfloat16, tiny::Storage::Float8})
        for (const int shards : {0, 1, 3}) {
          CAPTURE(model::to_text(family));
          CAPTURE(int(storage));
          const Weights w = loaded({.family = family, .storage = storage, .shards = shards});
          REQUIRE(w.layer.size() == 3);
          CHECK(w.layer[0].mlp.gate.rows == 136);
          CHECK(w.layer[0].moe.gate.empty());
          CHECK(w.layer[1].mlp.gate.rows == 0);
          CHECK(w.layer[2].moe.down.size() == 8);
          CHECK((w.layer[1].attention.indexer.query.rows > 0) == w.config.sparse());
          CHECK((w.layer[1].moe.bias.data != nullptr) == (family != Family::DeepseekV2));
          CHECK((w.layer[1].attention.query_down.rows == 0) == (family == Family::DeepseekV2));
          CHECK(w.layer[1].moe.shared.gate.rows == (family == Family::DeepseekV2 ? 48 : 24));
        }
  }

  TEST_CASE("the same numbers come out of F32, BF16 and FP8, up to rounding") {
    const Weights exact = loaded({.storage = tiny::Storage::F32});
    const Weights bf16 = loaded({.storage = tiny::Storage::Bfloat16});
    const Weights fp8 = loaded({.storage = tiny::Storage::Float8});
    const auto output = [](const Weights& w) { return w.layer[2].attention.output; };
    CHECK(output(fp8).type == Number::FP8);
    CHECK(output(fp8).scale.extent[0] == 2);  // 160 rows
    CHECK(output(fp8).scale.extent[1] == 1);  // 48 columns
    CHECK(distance(output(exact), output(bf16)) < 1.0 / 256);
    CHECK(distance(output(exact), output(fp8)) < 1.0 / 16);
    CHECK(distance(output(exact), output(fp8)) > 1.0 / 256);
    CHECK(exact.norm(7) == doctest::Approx(bf16.norm(7)).epsilon(1.0 / 256));
    CHECK(exact.norm(7) == fp8.norm(7));
  }

  TEST_CASE("matrices stay in the file where they lie, and norms of BF16 become floats") {
    const Weights w = loaded({});
    const auto* head = static_cast<const unsigned char*>(w.head.data);
    const auto& stored = w.checkpoint->find("lm_head.weight")->bytes;
    CHECK(head == stored.data());
    CHECK(w.norm.data != nullptr);
  }

  TEST_CASE("conversion to BF16 keeps router and index weights as they are") {
    const Weights exact = loaded({.storage = tiny::Storage::F32});
    const Weights w = loaded({.storage = tiny::Storage::F32}, WeightFormat::Bfloat16);
    CHECK(w.embedding.type == Number::BF16);
    CHECK(w.layer[1].moe.up[3].type == Number::BF16);
    CHECK(w.layer[1].moe.router.type == Number::F32);
    CHECK(w.layer[1].attention.indexer.head_weights.type == Number::F32);
    CHECK(distance(exact.layer[1].moe.up[3], w.layer[1].moe.up[3]) < 1.0 / 256);
    const Weights from_fp8 = loaded({.storage = tiny::Storage::Float8}, WeightFormat::Bfloat16);
    CHECK(from_fp8.layer[1].moe.up[3].type == Number::BF16);
    CHECK(from_fp8.layer[1].moe.up[3].scale.data == nullptr);
  }

  TEST_CASE("conversion to Int8 has a scale for each row and 128 columns") {
    const Weights exact = loaded({.storage = tiny::Storage::F32});
    const Weights w = loaded({.storage = tiny::Storage::F32}, WeightFormat::Int8);
    const Matrix& key = w.layer[0].attention.indexer.key;  // [16, 160]
    CHECK(key.type == Number::Int8);
    CHECK(key.scale_rows == 1);
    CHECK(key.scale.extent[0] == 16);
    CHECK(key.scale.extent[1] == 2);
    // Half a unit of the scale, which is at most the largest number / 127.
    CHECK(distance(exact.layer[0].attention.indexer.key, key) <= 0.5 / 127 * 1.001);
    CHECK(w.head.type == Number::Int8);
    CHECK(w.embedding.type == Number::F32);
    CHECK(w.layer[1].moe.router.type == Number::F32);
  }

  TEST_CASE("numbers that are not finite are not made Int8") {
    const tiny::Checkpoint what = {.storage = tiny::Storage::F32};
    auto tensors = tiny::tensors(what);
    const float infinite = INFINITY;
    std::memcpy(named(tensors, "lm_head.weight").bytes.data() + 400, &infinite, 4);
    const tiny::Directory directory;
    tiny::write(directory.path(), what, tensors);
    const auto load = [&](WeightFormat format) {
      return model::load_weights(model::read_config(directory.path()),
                                 model::Checkpoint::open(directory.path()), format);
    };
    CHECK_THROWS_WITH_AS(load(WeightFormat::Int8),
                         "tensor lm_head.weight holds NaN or infinity, which cannot be made Int8",
                         model::Refused);
    CHECK_NOTHROW(load(WeightFormat::Bfloat16));
  }

  TEST_CASE("tied embeddings are the head, and no lm_head is wanted") {
    const Weights w = loaded({.config = {{"tie_word_embeddings", "true"}}});
    CHECK(w.checkpoint->find("lm_head.weight") == nullptr);
    CHECK(w.head.data == w.embedding.data);
    CHECK(w.head.rows == 320);
  }

  TEST_CASE("scales in BF16 and data at odd addresses load too") {
    tiny::Checkpoint what = {.storage = tiny::Storage::Float8};
    auto tensors = tiny::tensors(what);
    for (tiny::Tensor& tensor : tensors)
      if (tensor.name.ends_with("_scale_inv")) {
        std::string upper;
        for (std::size_t i = 0; i < tensor.bytes.size(); i += 4)
          upper += tensor.bytes.substr(i + 2, 2);
        tensor.type = "BF16";
        tensor.bytes = upper;
      }
    tensors.insert(tensors.begin(), {"odd", "U8", {1}, "x"});
    const tiny::Directory directory;
    tiny::write(directory.path(), what, tensors);
    const Weights odd =
        model::load_weights(model::read_config(directory.path()),
                            model::Checkpoint::open(directory.path()), WeightFormat::AsIs);
    const Weights even = loaded(what);
    CHECK(reinterpret_cast<uintptr_t>(odd.checkpoint->find("lm_head.weight")->bytes.data()) % 2 ==
          1);
    CHECK(reinterpret_cast<uintptr_t>(odd.head.data) % 2 == 0);
    CHECK(distance(even.head, odd.head) == 0);
    CHECK(odd.norm(3) == even.norm(3));
    CHECK(distance(even.layer[0].mlp.down, odd.layer[0].mlp.down) < 1.0 / 128);
  }
}

TEST_SUITE("model/weight_faults") {
  TEST_CASE("a whole checkpoint has no fault") { CHECK(fault_with({}, tiny::tensors({})) == ""); }

  TEST_CASE("missing tensors are named, at most so many") {
    auto tensors = tiny::tensors({});
    std::erase_if(tensors, [](const tiny::Tensor& t) { return t.name == "model.norm.weight"; });
    CHECK(fault_with({}, tensors) == "there is no tensor model.norm.weight [160]");
    const tiny::Directory directory;
    tiny::write(directory.path(), {}, {tensors.front()});
    const Config config = model::read_config(directory.path());
    const auto faults = model::weight_faults(config, *model::Checkpoint::open(directory.path()));
    REQUIRE(faults.size() == model::kFaultsMax + 1);
    CHECK(faults.back() ==
          "and " + std::to_string(model::wanted_tensors(config).size() - 1 - model::kFaultsMax) +
              " more");
  }

  TEST_CASE("a transposed matrix, a strange type and mixed experts are faults") {
    auto tensors = tiny::tensors({});
    named(tensors, "lm_head.weight").shape = {160, 320};
    CHECK(fault_with({}, tensors) ==
          "model.safetensors: tensor lm_head.weight has the shape [160, 320], config.json makes it "
          "[320, 160]");
    tensors = tiny::tensors({});
    named(tensors, "lm_head.weight").type = "F16";
    CHECK(
        fault_with({}, tensors) ==
        "model.safetensors: tensor lm_head.weight has the type F16; a matrix must be F32, BF16 or "
        "F8_E4M3");
    tensors = tiny::tensors({});
    tiny::Tensor& expert = named(tensors, "model.layers.2.mlp.experts.5.up_proj.weight");
    expert.type = "F32";
    expert.bytes += expert.bytes;
    CHECK(fault_with({}, tensors) ==
          "model.safetensors: tensor model.layers.2.mlp.experts.5.up_proj.weight has the type F32, "
          "expert 0 of the same layer BF16; they must be the same");
  }

  TEST_CASE("an FP8 matrix needs scales of its blocks") {
    const tiny::Checkpoint what = {.storage = tiny::Storage::Float8};
    const std::string weight = "model.layers.0.self_attn.o_proj.weight";
    auto tensors = tiny::tensors(what);
    std::erase_if(tensors, [&](const auto& t) { return t.name == weight + "_scale_inv"; });
    CHECK(fault_with(what, tensors) == "model.safetensors: tensor " + weight +
                                           " is F8_E4M3, but there is no " + weight + "_scale_inv");
    tensors = tiny::tensors(what);
    named(tensors, weight + "_scale_inv").shape = {1, 2};
    CHECK(fault_with(what, tensors) == "model.safetensors: tensor " + weight +
                                           "_scale_inv has the shape [1, 2], the matrix that "
                                           "it scales makes it [2, 1]");
  }

  TEST_CASE("load refuses with the first fault") {
    auto tensors = tiny::tensors({});
    tensors.erase(tensors.begin());
    const tiny::Directory directory;
    tiny::write(directory.path(), {}, tensors);
    CHECK_THROWS_WITH_AS(
        model::load_weights(model::read_config(directory.path()),
                            model::Checkpoint::open(directory.path()), WeightFormat::AsIs),
        "there is no tensor model.embed_tokens.weight [320, 160]", model::Refused);
  }
}

TEST_SUITE("model/model_identity") {
  TEST_CASE("it changes with config, names, types and places, and not with the directory") {
    const tiny::Directory a, b, c, d;
    tiny::write(a.path(), {});
    tiny::write(b.path(), {});
    tiny::write(c.path(), {.config = {{"rope_theta", "10001"}}});
    tiny::write(d.path(), {.shards = 2});
    const auto identity = [](const tiny::Directory& directory) {
      return model::model_identity(directory.path(), *model::Checkpoint::open(directory.path()));
    };
    CHECK(identity(a).size() == 64);
    CHECK(identity(a) == identity(b));
    CHECK(identity(a) != identity(c));
    CHECK(identity(a) != identity(d));
  }
}
