#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "model/config_parts.h"
#include "model/files.h"

namespace model {
namespace {

constexpr std::size_t kEndTokensMax = 64;

// Larger than any published model by a factor of at least four, and small enough that no product
// of them overflows 63 bits.
constexpr Limits<int64_t> kVocabulary = {1, 1 << 20};
constexpr Limits<int64_t> kHidden = {1, 1 << 16};
constexpr Limits<int64_t> kLayers = {1, 1024};
constexpr Limits<int64_t> kMtpLayers = {0, 16};
constexpr Limits<int64_t> kPositions = {1, 1 << 24};
constexpr Limits<int64_t> kHeads = {1, 1024};
constexpr Limits<int64_t> kLatent = {1, 1 << 14};
constexpr Limits<int64_t> kHeadDim = {1, 4096};
constexpr Limits<int64_t> kInner = {1, 1 << 20};

Family family_of(const JsonFields& fields) {
  const std::string type = fields.word("model_type");
  std::string known;
  for (const Family family :
       {Family::DeepseekV2, Family::DeepseekV3, Family::DeepseekV32, Family::GlmMoeDsa}) {
    if (type == to_text(family)) return family;
    known += (known.empty() ? "" : ", ") + std::string(to_text(family));
  }
  fields.refuse("model_type is " + in_quotes(type) + "; this program knows " + known);
}

void refuse_unless(const JsonFields& fields, bool holds, const std::string& sentence) {
  if (!holds) fields.refuse(sentence);
}

// Parts of the architecture that no published model of these families uses and that are not built.
void refuse_unsupported(const JsonFields& fields, const Config& config) {
  const std::string activation = fields.word_or("hidden_act", "silu");
  refuse_unless(fields, activation == "silu",
                "hidden_act is " + in_quotes(activation) + "; only \"silu\" is supported");
  for (const char* name : {"attention_bias", "mlp_bias"})
    refuse_unless(fields, !fields.flag_or(name, false),
                  std::string(name) + " is true; projections with a bias are not supported");
  const int64_t key_heads = fields.integer_or("num_key_value_heads", config.heads, kHeads);
  refuse_unless(fields, key_heads == config.heads,
                "num_key_value_heads is " + std::to_string(key_heads) + ", num_attention_heads " +
                    std::to_string(config.heads) +
                    "; in latent attention every head has its own keys, so they must be equal");
}

// generation_config.json knows better than config.json where a chat ends; begin is the model's.
void read_tokens(const JsonFields& fields, const std::optional<JsonFields>& generation,
                 Config& config) {
  const Limits<int64_t> token = {0, config.vocabulary - 1};
  if (fields.has("bos_token_id"))
    config.begin_token = int32_t(fields.integer("bos_token_id", token));
  const bool generation_knows = generation && generation->has("eos_token_id");
  const JsonFields& source = generation_knows ? *generation : fields;
  for (const int64_t end : source.integers("eos_token_id", kEndTokensMax, token))
    if (std::ranges::find(config.end_tokens, end) == config.end_tokens.end())
      config.end_tokens.push_back(int32_t(end));
}

void read_prompt_family(const JsonFields& fields, Config& config) {
  constexpr std::size_t kNameBytesMax = 64;
  const std::optional<JsonFields> ours = fields.object("elenchus");
  if (!ours || !ours->has("prompts")) return;
  config.prompt_family = ours->word("prompts");
  const bool plain = std::ranges::all_of(config.prompt_family, [](char c) {
    return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '-' || c == '_';
  });
  if (config.prompt_family.empty() || config.prompt_family.size() > kNameBytesMax || !plain)
    fields.refuse("elenchus.prompts is " + in_quotes(config.prompt_family) +
                  "; it must be a name of at most " + std::to_string(kNameBytesMax) +
                  " small letters, digits, - and _");
}

}  // namespace

std::string_view to_text(Family family) {
  switch (family) {
    case Family::DeepseekV2:
      return "deepseek_v2";
    case Family::DeepseekV3:
      return "deepseek_v3";
    case Family::DeepseekV32:
      return "deepseek_v32";
    case Family::GlmMoeDsa:
      return "glm_moe_dsa";
  }
  return "";
}

void read_sizes(const JsonFields& fields, Config& config) {
  config.vocabulary = fields.integer("vocab_size", kVocabulary);
  config.hidden = fields.integer("hidden_size", kHidden);
  config.layers = fields.integer("num_hidden_layers", kLayers);
  config.mtp_layers = fields.integer_or("num_nextn_predict_layers", 0, kMtpLayers);
  config.positions = fields.integer("max_position_embeddings", kPositions);
  config.heads = fields.integer("num_attention_heads", kHeads);
  config.query_latent = fields.integer_or("q_lora_rank", 0, kLatent);
  config.latent = fields.integer("kv_lora_rank", kLatent);
  config.nope = fields.integer("qk_nope_head_dim", kHeadDim);
  config.rope = fields.integer("qk_rope_head_dim", kHeadDim);
  config.value = fields.integer("v_head_dim", kHeadDim);
  config.dense_inner = fields.integer("intermediate_size", kInner);
  config.norm_epsilon = float(fields.number("rms_norm_eps", {1e-12, 1e-1}));
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  if (config.rope % 2 != 0)
    fields.refuse("qk_rope_head_dim is " + std::to_string(config.rope) +
                  "; positions turn pairs, so it must be even");
}

double Config::softmax_scale() const {
  const double scale = 1 / std::sqrt(double(nope + rope));
  if (!yarn || yarn->mscale_all_dim == 0) return scale;
  const double correction = yarn_mscale(yarn->factor, yarn->mscale_all_dim);
  return scale * correction * correction;
}

Config parse_config(std::string_view config_json, std::string_view generation_json) {
  const JsonFields fields = JsonFields::parse(config_json, "config.json");
  std::optional<JsonFields> generation;
  if (!generation_json.empty())
    generation = JsonFields::parse(generation_json, "generation_config.json");
  Config config;
  config.family = family_of(fields);
  read_sizes(fields, config);
  refuse_unsupported(fields, config);
  read_rope(fields, config);
  read_experts(fields, config);
  read_indexer(fields, config);
  read_quantisation(fields, config);
  read_tokens(fields, generation, config);
  read_prompt_family(fields, config);
  return config;
}

Config read_config(const std::filesystem::path& directory) {
  const std::string config = read_whole_file(directory / "config.json", kConfigBytesMax);
  const std::filesystem::path generation = directory / "generation_config.json";
  std::error_code error;
  const bool has_generation = std::filesystem::exists(generation, error);
  return parse_config(config, has_generation ? read_whole_file(generation, kConfigBytesMax) : "");
}

}  // namespace model
