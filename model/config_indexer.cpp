#include <algorithm>

#include "model/config_parts.h"
#include "model/files.h"

namespace model {
namespace {

constexpr Limits<int64_t> kHeads = {1, 1024};
constexpr Limits<int64_t> kDim = {2, 4096};
constexpr Limits<int64_t> kTopK = {1, 1 << 20};

// Which layers choose for themselves. GLM-5.2 lets some use the choice of the layer before
// (IndexShare), in three spellings; only "every layer chooses" is built.
void refuse_shared_choices(const JsonFields& fields, const Config& config) {
  constexpr std::size_t kPatternMax = 1024;
  bool shared = false;
  std::string spelling;
  if (fields.has("indexer_types")) {
    spelling = "indexer_types";
    for (const std::string& type : fields.words(spelling, kPatternMax)) shared |= type != "full";
  } else if (fields.has("index_topk_pattern")) {
    spelling = "index_topk_pattern";
    for (const std::string& type : fields.words(spelling, kPatternMax))
      shared |= type != "full" && type.find_first_not_of('F') != std::string::npos;
  } else {
    spelling = "index_topk_freq";
    const int64_t every = fields.integer_or(spelling, 1, {0, kTopK.most});
    const int64_t offset = fields.integer_or("index_skip_topk_offset", 2, {0, kTopK.most});
    for (int64_t layer = 0; layer < config.layers; ++layer)
      shared |= std::max<int64_t>(layer - offset + 1, 0) % std::max<int64_t>(every, 1) != 0;
  }
  if (shared)
    fields.refuse(spelling +
                  " lets layers share the tokens that another layer chose (IndexShare)," +
                  " which is not supported");
}

void refuse_other_layers(const JsonFields& fields, const Config& config) {
  const bool sparse = config.sparse();
  for (const std::string& type : fields.words("layer_types", std::size_t(config.layers)))
    if (type != (sparse ? "indexed_attention" : "full_attention") &&
        !(sparse && type == "deepseek_sparse_attention"))
      fields.refuse("layer_types holds " + in_quotes(type) + ", which is not supported for " +
                    std::string(to_text(config.family)));
}

}  // namespace

void read_indexer(const JsonFields& fields, Config& config) {
  if (config.family == Family::DeepseekV32 || config.family == Family::GlmMoeDsa) {
    config.index_heads = fields.integer("index_n_heads", kHeads);
    config.index_dim = fields.integer("index_head_dim", kDim);
    config.index_top_k = int32_t(fields.integer("index_topk", kTopK));
    const bool interleaved =
        fields.flag_or("indexer_rope_interleave", config.family == Family::GlmMoeDsa);
    config.index_rope_pairs = interleaved ? RopePairs::Interleaved : RopePairs::HalfSplit;
    if (config.query_latent == 0)
      fields.refuse("q_lora_rank is not given, but the indexer reads the query's latent");
    if (config.index_dim < config.rope || config.index_dim % 2 != 0)
      fields.refuse("index_head_dim is " + std::to_string(config.index_dim) +
                    "; it must be even and at least qk_rope_head_dim, " +
                    std::to_string(config.rope));
    refuse_shared_choices(fields, config);
  } else {
    for (const char* name : {"index_n_heads", "index_topk"})
      if (fields.has(name))
        fields.refuse(std::string(name) + " belongs to a sparse model, but model_type is " +
                      std::string(to_text(config.family)));
  }
  refuse_other_layers(fields, config);
}

void read_quantisation(const JsonFields& fields, Config& config) {
  const std::optional<JsonFields> quantised = fields.object("quantization_config");
  if (!quantised) return;
  const std::string method = quantised->word("quant_method");
  if (method != "fp8")
    fields.refuse("quantization_config.quant_method is " + in_quotes(method) +
                  "; only \"fp8\" is supported");
  const std::string format = quantised->word_or("fmt", "e4m3");
  if (format != "e4m3")
    fields.refuse("quantization_config.fmt is " + in_quotes(format) +
                  "; only \"e4m3\" is supported");
  const std::vector<int64_t> block = quantised->integers("weight_block_size", 2, {1, 1 << 16});
  if (block != std::vector<int64_t>{128, 128})
    fields.refuse("quantization_config.weight_block_size must be [128, 128]");
  config.scale_block = 128;
  config.power_of_two_scales = quantised->word_or("scale_fmt", "") == "ue8m0";
}

}  // namespace model
