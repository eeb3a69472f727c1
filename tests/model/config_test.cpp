#include "model/config.h"

#include <doctest/doctest.h>

#include <cmath>

#include "model/weights.h"
#include "tests/model/published_configs.h"
#include "tests/model/tiny_checkpoint.h"

using model::Config;
using model::Family;
using model::parse_config;

namespace {

Config tiny_config(Family family, const tiny::Fields& changes = {}) {
  return parse_config(tiny::config_json(family, changes), "");
}

// What is refused about a tiny model whose config.json differs in these fields.
std::string refusal(Family family, const tiny::Fields& changes) {
  try {
    tiny_config(family, changes);
  } catch (const model::Refused& refused) {
    return refused.what();
  }
  return "nothing";
}

std::string refusal(const tiny::Fields& changes) { return refusal(Family::DeepseekV32, changes); }

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("model/config") {
  TEST_CASE("DeepSeek-V3.2 is read as published") {
    const Config c = parse_config(published::kDeepseekV32, "");
    CHECK(c.family == Family::DeepseekV32);
    CHECK(c.query_latent == 1536);
    CHECK(c.index_top_k == 2048);
    CHECK(c.index_rope_pairs == RopePairs::HalfSplit);
    CHECK(c.rope_pairs == RopePairs::Interleaved);
    CHECK(c.router_group == Router::Group::SumOfTwo);
    CHECK(c.router_groups == 8);
    CHECK(c.router_groups_kept == 4);
    CHECK(c.router_scale == 2.5f);
    CHECK_FALSE(c.is_moe(2));
    CHECK(c.is_moe(3));
    CHECK(c.mtp_layers == 1);
    CHECK(c.power_of_two_scales);
    CHECK(c.begin_token == 0);
    CHECK(c.end_tokens == std::vector<int32_t>{1});
    CHECK(c.prompt_family == "default");
    // 192^-1/2 (0.1 ln 40 + 1)^2
    CHECK(c.softmax_scale() == doctest::Approx(0.1352337788608801).epsilon(1e-12));
  }

  TEST_CASE("the published sizes come out: 671.88 billion parameters, 37.5 of them active") {
    const Config v32 = parse_config(published::kDeepseekV32, "");
    CHECK(double(model::parameters(v32)) == doctest::Approx(671.88e9).epsilon(1e-5));
    // Own calculation: 36.62 of DeepSeek-V3 without its embedding, and 0.85 of the indexer.
    CHECK(double(model::active_parameters(v32)) == doctest::Approx(37.477e9).epsilon(1e-4));
    const Config v2 = parse_config(published::kDeepseekV2Lite, "");
    CHECK(double(model::parameters(v2)) == doctest::Approx(15.7e9).epsilon(1e-2));
    const Config moonlight = parse_config(published::kMoonlight, "");
    CHECK(double(model::parameters(moonlight)) == doctest::Approx(16e9).epsilon(1e-2));
  }

  TEST_CASE("DeepSeek-V2-Lite, Moonlight and GLM-5 are read as published") {
    const Config v2 = parse_config(published::kDeepseekV2Lite, "");
    CHECK(v2.query_latent == 0);
    CHECK(v2.shared_experts == 2);
    CHECK(v2.router_score == Router::Score::Softmax);
    CHECK(v2.router_group == Router::Group::None);
    CHECK_FALSE(v2.router_normalise);
    CHECK_FALSE(v2.router_bias);
    const double mscale = 0.1 * 0.707 * std::log(40.0) + 1;
    CHECK(v2.softmax_scale() == doctest::Approx(mscale * mscale / std::sqrt(192.0)));

    const Config moonlight = parse_config(published::kMoonlight, "");
    CHECK_FALSE(moonlight.yarn.has_value());
    CHECK(moonlight.rope_theta == 50000);
    CHECK(moonlight.router_bias);
    CHECK(moonlight.router_group == Router::Group::None);
    CHECK_FALSE(moonlight.sparse());

    const Config glm = parse_config(published::kGlm5, "");
    CHECK(glm.rope_theta == 1e6);
    CHECK(glm.norm_epsilon == 1e-5f);
    CHECK(glm.index_rope_pairs == RopePairs::Interleaved);
    CHECK(glm.end_tokens == std::vector<int32_t>{154820, 154827, 154829});
  }

  TEST_CASE("rope_parameters says the same as rope_theta and rope_scaling") {
    const Config old_words =
        tiny_config(Family::DeepseekV3,
                    {{"rope_theta", "20000"},
                     {"rope_scaling",
                      R"({"type": "yarn", "factor": 4, "original_max_position_embeddings": 64,
                          "mscale": 1, "mscale_all_dim": 1})"}});
    const Config new_words =
        tiny_config(Family::DeepseekV3, {{"rope_theta", ""},
                                         {"rope_scaling", ""},
                                         {"rope_parameters",
                                          R"({"rope_type": "yarn", "factor": 4, "rope_theta": 20000,
                          "original_max_position_embeddings": 64,
                          "mscale": 1, "mscale_all_dim": 1})"}});
    CHECK(old_words.rope_theta == new_words.rope_theta);
    CHECK(old_words.softmax_scale() == new_words.softmax_scale());
    CHECK(model::rope_table(old_words, 100) == model::rope_table(new_words, 100));
  }

  TEST_CASE("layers are dense as mlp_layer_types or first_k_dense_replace say") {
    const Config listed = tiny_config(
        Family::DeepseekV32,
        {{"first_k_dense_replace", ""}, {"mlp_layer_types", R"(["dense", "dense", "sparse"])"}});
    CHECK(listed.dense_layers == 2);
    CHECK(tiny_config(Family::DeepseekV3, {{"first_k_dense_replace", "9"}}).dense_layers == 3);
    const Config odd = tiny_config(Family::DeepseekV2, {{"moe_layer_freq", "2"}});
    CHECK_FALSE(odd.is_moe(1));
    CHECK(odd.is_moe(2));
    CHECK(contains(refusal({{"mlp_layer_types", R"(["sparse", "dense", "sparse"])"}}),
                   "mlp_layer_types must name 3 layers"));
    CHECK(contains(refusal({{"mlp_layer_types", R"(["dense", "sparse"])"}}),
                   "mlp_layer_types must name 3 layers"));
  }

  TEST_CASE("a model without experts is dense everywhere") {
    const Config dense = tiny_config(Family::DeepseekV3, {{"n_routed_experts", ""}});
    CHECK(dense.experts == 0);
    CHECK_FALSE(dense.is_moe(2));
  }

  TEST_CASE("DeepSeek-V2's router takes all groups when greedy, and divides or multiplies") {
    const Config limited = tiny_config(Family::DeepseekV2);
    CHECK(limited.router_group == Router::Group::Largest);
    CHECK(limited.router_groups == 4);
    const Config greedy = tiny_config(Family::DeepseekV2, {{"topk_method", "\"greedy\""}});
    CHECK(greedy.router_group == Router::Group::None);
    CHECK(greedy.router_groups == 1);
    const Config scaled = tiny_config(Family::DeepseekV2, {{"routed_scaling_factor", "16"}});
    CHECK(scaled.router_scale == 16);
    const Config normalised = tiny_config(
        Family::DeepseekV2, {{"norm_topk_prob", "true"}, {"routed_scaling_factor", "16"}});
    CHECK(normalised.router_normalise);
    CHECK(normalised.router_scale == 1);
  }

  TEST_CASE("generation_config.json knows better where a chat ends") {
    const std::string config = tiny::config_json(Family::DeepseekV3);
    CHECK(parse_config(config, R"({"eos_token_id": [7, 5, 7]})").end_tokens ==
          std::vector<int32_t>{7, 5});
    CHECK(parse_config(config, R"({"temperature": 1})").end_tokens == std::vector<int32_t>{1});
    CHECK_THROWS_WITH_AS(parse_config(config, R"({"eos_token_id": 320})"),
                         "generation_config.json: eos_token_id is 320; it must be an integer, 0 to "
                         "319",
                         model::Refused);
  }

  TEST_CASE("elenchus.prompts names the prompts that a model was trained on") {
    CHECK(tiny_config(Family::DeepseekV3, {{"elenchus", R"({"prompts": "math-v2"})"}})
              .prompt_family == "math-v2");
    CHECK(contains(refusal({{"elenchus", R"({"prompts": "../../etc"})"}}), "small letters"));
    CHECK(contains(refusal({{"elenchus", R"({"prompts": 1})"}}), "elenchus.prompts is 1"));
  }

  TEST_CASE("a family that is not known is refused with those that are") {
    CHECK(refusal({{"model_type", "\"llama\""}}) ==
          "config.json: model_type is \"llama\"; this program knows deepseek_v2, deepseek_v3, "
          "deepseek_v32, glm_moe_dsa");
    CHECK(refusal({{"model_type", ""}}) == "config.json has no model_type");
  }

  TEST_CASE("every size has limits, and what stands there is shown") {
    for (const char* name :
         {"vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings",
          "num_attention_heads", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim",
          "v_head_dim", "intermediate_size", "moe_intermediate_size", "num_experts_per_tok",
          "n_group", "topk_group", "index_n_heads", "index_head_dim", "index_topk"}) {
      CAPTURE(name);
      for (const char* value : {"0", "-1", "2147483648", "9223372036854775808", "1e308", "1e999",
                                "1.5", "\"160\"", "[]", "true", "NaN"})
        CHECK(refusal({{name, value}}) != "nothing");
      CHECK(refusal({{name, "null"}}) == std::string("config.json has no ") + name);
      CHECK(contains(refusal({{name, "0"}}), std::string(name) + " is 0; it must be"));
    }
    CHECK(refusal({{"hidden_size", "-5"}}) ==
          "config.json: hidden_size is -5; it must be an integer, 1 to 65536");
    CHECK(refusal({{"rms_norm_eps", "0"}}) ==
          "config.json: rms_norm_eps is 0; it must be a number, 1e-12 to 0.1");
    CHECK(contains(refusal({{"rope_theta", "0"}}), "rope_theta is 0"));
  }

  TEST_CASE("numbers that contradict each other are refused") {
    CHECK(contains(refusal({{"num_experts_per_tok", "9"}}), "integer, 1 to 8"));
    CHECK(contains(refusal({{"num_experts_per_tok", "5"}}), "leaves only 4 experts"));
    CHECK(contains(refusal({{"n_group", "3"}}), "no multiple of n_group 3"));
    CHECK(contains(refusal({{"n_group", "8"}, {"topk_group", "4"}}), "at least two experts"));
    CHECK(contains(refusal({{"topk_group", "5"}}), "topk_group is 5"));
    CHECK(contains(refusal({{"qk_rope_head_dim", "7"}}), "must be even"));
    CHECK(contains(refusal({{"index_head_dim", "6"}}), "at least qk_rope_head_dim, 8"));
    CHECK(contains(refusal({{"q_lora_rank", "null"}}), "reads the query's latent"));
    CHECK(contains(refusal({{"num_key_value_heads", "2"}}), "must be equal"));
    CHECK(contains(refusal({{"eos_token_id", "320"}}), "0 to 319"));
    CHECK(contains(refusal({{"bos_token_id", "-1"}}), "0 to 319"));
    CHECK(contains(refusal({{"num_hidden_layers", "1000"}, {"n_routed_experts", "4096"}}),
                   "12288000 matrices; at most 131072"));
  }

  TEST_CASE("what is not built is refused by name") {
    CHECK(contains(refusal({{"hidden_act", "\"gelu\""}}), "only \"silu\""));
    CHECK(contains(refusal({{"attention_bias", "true"}}), "attention_bias is true"));
    CHECK(contains(refusal({{"mlp_bias", "true"}}), "mlp_bias is true"));
    CHECK(contains(refusal({{"scoring_func", "\"softmax\""}}), "deepseek_v32 has \"noaux_tc\""));
    CHECK(contains(refusal(Family::DeepseekV2, {{"topk_method", "\"noaux_tc\""}}),
                   "deepseek_v2 has \"greedy\""));
    CHECK(
        contains(refusal(Family::DeepseekV3, {{"index_topk", "8"}}), "belongs to a sparse model"));
    CHECK(
        contains(refusal({{"quantization_config", R"({"quant_method": "awq"})"}}), "only \"fp8\""));
    CHECK(contains(refusal({{"quantization_config",
                             R"({"quant_method": "fp8", "weight_block_size": [64, 128]})"}}),
                   "[128, 128]"));
    CHECK(contains(refusal({{"rope_scaling", R"({"type": "linear", "factor": 2})"}}),
                   "\"linear\"; only \"yarn\""));
    CHECK(contains(refusal({{"layer_types", R"(["full_attention"])"}}), "layer_types holds"));
    CHECK(contains(refusal({{"rope_interleave", "false"}}), "only deepseek_v3"));
  }

  TEST_CASE("layers that share another layer's choice are refused, in every spelling") {
    const auto glm = [](const char* name, const char* value) {
      return refusal(Family::GlmMoeDsa, {{name, value}});
    };
    CHECK(glm("indexer_types", R"(["full", "full", "full"])") == "nothing");
    CHECK(contains(glm("indexer_types", R"(["full", "full", "shared"])"), "IndexShare"));
    CHECK(glm("index_topk_pattern", "\"FFF\"") == "nothing");
    CHECK(contains(glm("index_topk_pattern", "\"FSF\""), "IndexShare"));
    CHECK(glm("index_topk_freq", "1") == "nothing");
    CHECK(contains(glm("index_topk_freq", "4"), "IndexShare"));
  }

  TEST_CASE("mscale that DeepSeek's code and transformers read differently is refused") {
    const auto yarn = [](const std::string& more) {
      return refusal({{"rope_scaling", R"({"type": "yarn", "factor": 40, )" + more + "}"}});
    };
    CHECK(yarn(R"("mscale": 1.0, "mscale_all_dim": 0.5)") == "nothing");
    CHECK(yarn(R"("beta_fast": 32)") == "nothing");
    CHECK(contains(yarn(R"("mscale": 0.707)"), "two ways"));
    CHECK(contains(yarn(R"("mscale_all_dim": 1.0)"), "two ways"));
    CHECK(contains(yarn(R"("attention_factor": 1.0)"), "two ways"));
  }

  TEST_CASE("texts that are no JSON object, too deep or say a thing twice are refused") {
    const auto why = [](const std::string& text) -> std::string {
      try {
        parse_config(text, "");
      } catch (const model::Refused& refused) {
        return refused.what();
      }
      return "nothing";
    };
    CHECK(contains(why(""), "is not JSON"));
    CHECK(why("[]") == "config.json is not a JSON object");
    CHECK(contains(why("{} x"), "is not JSON"));
    CHECK(contains(why(std::string("{}\0x", 4)), "NUL"));
    CHECK(contains(why("{\"a\": \"\xFF\"}"), "is not JSON"));
    CHECK(contains(why(R"({"a": 1, "a": 1})"), "the field \"a\" twice"));
    CHECK(why("{\"a\": " + std::string(100000, '[')) ==
          "config.json is nested deeper than 32 levels");
  }

  TEST_CASE("a directory without config.json, or with a device in its place, is refused") {
    const tiny::Directory directory;
    CHECK_THROWS_AS(model::read_config(directory.path()), model::Refused);
    std::filesystem::create_symlink("/dev/zero", directory.path() / "config.json");
    CHECK_THROWS_WITH_AS(
        model::read_config(directory.path()),
        ((directory.path() / "config.json").string() + " is not a regular file").c_str(),
        model::Refused);
    std::filesystem::remove(directory.path() / "config.json");
    directory.write("config.json", std::string((1 << 20) + 1, ' '));
    CHECK_THROWS_AS(model::read_config(directory.path()), model::Refused);
  }
}

TEST_SUITE("model/rope_table") {
  TEST_CASE("without YaRN, pair i turns by theta^(-2i/dim) each position") {
    Config config;
    config.rope = 4;
    config.rope_theta = 10000;
    const std::vector<float> table = model::rope_table(config, 3);
    REQUIRE(table.size() == 3 * 2 * 2);
    CHECK(table[0] == 1.0f);
    CHECK(table[1] == 0.0f);
    CHECK(table[2 * 4 + 0] == doctest::Approx(std::cos(2.0)));
    CHECK(table[2 * 4 + 3] == doctest::Approx(std::sin(0.02)));
  }

  TEST_CASE("YaRN's angles are those of transformers") {
    // DeepseekV3RotaryEmbedding of transformers 5.23, dim 64, theta 10000, factor 40 from 4096.
    Config config = parse_config(published::kDeepseekV32, "");
    const std::vector<float> table = model::rope_table(config, 2);
    const float* one = table.data() + 64;  // position 1
    CHECK(one[0] == doctest::Approx(0.5403023362));
    CHECK(one[1] == doctest::Approx(0.8414709568));
    CHECK(one[2 * 10 + 1] == doctest::Approx(0.05620449409));
    CHECK(one[2 * 16 + 1] == doctest::Approx(0.005499972496));
    CHECK(one[2 * 31 + 1] == doctest::Approx(3.333803534e-06));
  }

  TEST_CASE("cosines and sines are stretched where mscale and mscale_all_dim differ") {
    Config config = parse_config(published::kDeepseekV32, "");
    config.yarn->mscale_all_dim = 0.5;
    const std::vector<float> table = model::rope_table(config, 2);
    CHECK(table[0] == doctest::Approx(1.1557219902));
    CHECK(table[64 + 1] == doctest::Approx(0.9725065231));
    CHECK(config.softmax_scale() == doctest::Approx(0.1012461296));
    config.yarn->mscale_all_dim = 0;
    CHECK(model::rope_table(config, 1)[0] == doctest::Approx(1.3688879454));
    CHECK(config.softmax_scale() == doctest::Approx(0.0721687836));
  }
}
