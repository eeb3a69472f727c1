#include "training/parameters.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "model/weights.h"
#include "tests/model/tiny_checkpoint.h"

using namespace training;

namespace {

model::Config config_of(const tiny::Fields& changes = {}) {
  tiny::Fields fields = {{"rope_scaling", ""}, {"n_group", "1"}, {"topk_group", "1"}};
  for (const auto& [name, value] : changes) fields[name] = value;
  return model::parse_config(tiny::config_json(model::Family::DeepseekV32, fields), "");
}

}  // namespace

TEST_SUITE("training/parameters") {
  TEST_CASE("an arena holds every tensor of the model once, in its shape") {
    const model::Config config = config_of();
    const ParameterTable table(config);
    const std::vector<model::Wanted> wanted = model::wanted_tensors(config);

    REQUIRE(table.all().size() == wanted.size());
    CHECK(table.size() == model::parameters(config));
    std::set<int64_t> begins;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Parameter& p = table.all()[i];
      CHECK(p.name == wanted[i].name);
      CHECK(p.vector == (wanted[i].shape.size() == 1));
      CHECK(p.cols == wanted[i].shape.back());
      CHECK(&table.find(p.name) == &p);
      begins.insert(p.offset);
    }
    for (const Parameter& p : table.all())  // each ends where another begins
      CHECK((p.offset + p.size() == table.size() || begins.contains(p.offset + p.size())));
    CHECK(begins.size() == wanted.size());
    CHECK_THROWS_AS(table.find("model.nothing"), std::out_of_range);
  }

  TEST_CASE("views are where the parameters lie, experts one behind the other") {
    const model::Config config = config_of();
    const ParameterTable table(config);
    std::vector<double> arena(std::size_t(table.size()));
    const ParameterViews<double> views = views_of(config, table, std::span<double>(arena));
    const auto at = [&](const std::string& name) { return arena.data() + table.find(name).offset; };

    REQUIRE(int64_t(views.layer.size()) == config.layers);
    CHECK(views.head.data == at("lm_head.weight"));
    CHECK_FALSE(views.layer[0].is_moe);
    CHECK(views.layer[0].mlp.down.data == at("model.layers.0.mlp.down_proj.weight"));
    const LayerViews<double>& last = views.layer[2];
    REQUIRE(last.is_moe);
    const std::string prefix = "model.layers.2.";
    CHECK(last.attention.indexer.key_bias.data == at(prefix + "self_attn.indexer.k_norm.bias"));
    CHECK(last.moe.bias.data == at(prefix + "mlp.gate.e_score_correction_bias"));
    for (int64_t e = 0; e < config.experts; ++e) {
      const std::string expert = prefix + "mlp.experts." + std::to_string(e);
      CHECK(last.moe.gate[e].data == at(expert + ".gate_proj.weight"));
      CHECK(last.moe.up[e].data == at(expert + ".up_proj.weight"));
      CHECK(last.moe.down[e].data == at(expert + ".down_proj.weight"));
    }
    CHECK(last.moe.down.extent[1] == config.hidden);
  }

  TEST_CASE("hidden matrices are Muon's, and the correction bias is nobody's") {
    const ParameterTable table(config_of());
    using Update = Parameter::Update;
    const std::string layer = "model.layers.1.";

    CHECK(table.find("model.embed_tokens.weight").update == Update::AdamW);
    CHECK(table.find("lm_head.weight").update == Update::AdamW);
    CHECK(table.find(layer + "input_layernorm.weight").update == Update::AdamW);
    CHECK(table.find(layer + "mlp.gate.weight").update == Update::AdamW);
    CHECK(table.find(layer + "mlp.gate.e_score_correction_bias").update == Update::None);
    CHECK(table.find(layer + "mlp.experts.3.up_proj.weight").update == Update::Muon);
    CHECK(table.find(layer + "self_attn.o_proj.weight").update == Update::Muon);
    const Parameter& heads = table.find(layer + "self_attn.indexer.weights_proj.weight");
    CHECK(heads.update == Update::AdamW);
    CHECK(heads.part == Parameter::Part::Indexer);
    CHECK(table.find(layer + "self_attn.o_proj.weight").part == Parameter::Part::Main);
  }

  TEST_CASE("initial weights have their deviations and are a function of the seed") {
    const ParameterTable table(config_of());
    const std::vector<float> weights = initial_weights(table, 7);

    CHECK(weights == initial_weights(table, 7));
    CHECK(weights != initial_weights(table, 8));
    for (const Parameter& p : table.all()) {
      CAPTURE(p.name);
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < p.size(); ++i) {
        const double x = weights[std::size_t(p.offset + i)];
        sum += x;
        squares += x * x;
      }
      const double count = double(p.size());
      if (p.start == Parameter::Start::Ones) CHECK(sum == count);
      if (p.start == Parameter::Start::Zeros) CHECK(squares == 0);
      if (p.start != Parameter::Start::Normal) continue;
      CHECK(p.deviation > 0);
      // Within six standard errors; a normal number cut off at 3 has 0.995 of its deviation.
      CHECK(std::abs(sum / count) < 6 * p.deviation / std::sqrt(count));
      CHECK(std::abs(std::sqrt(squares / count) / p.deviation - 0.996) <
            6 / std::sqrt(2 * count) + 0.002);
    }
  }

  TEST_CASE("what cannot be trained is refused by its reason") {
    const auto refusal = [](const model::Config& config) -> std::string {
      try {
        ParameterTable table(config);
      } catch (const model::Refused& refused) {
        return refused.what();
      }
      return "";
    };
    model::Config tied = config_of();
    tied.tied_embeddings = true;
    model::Config dense = config_of();
    dense.index_heads = 0;
    model::Config stretched = config_of();
    stretched.yarn.emplace();

    CHECK(refusal(config_of()) == "");
    CHECK(refusal(tied) == "config.json: cannot be trained: tie_word_embeddings must be false");
    CHECK(refusal(dense).find("indexer") != std::string::npos);
    CHECK(refusal(stretched).find("rope_scaling") != std::string::npos);
  }
}
