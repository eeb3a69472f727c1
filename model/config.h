#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/rope.h"
#include "kernels/router.h"

namespace model {

// What a model directory holds cannot be used: one sentence with the file, the name and the
// numbers.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Family { DeepseekV2, DeepseekV3, DeepseekV32, GlmMoeDsa };
std::string_view to_text(Family family);  // as config.json's model_type

// Longer contexts by stretching low frequencies (Peng et al. 2023, as DeepSeek-V3 uses it).
struct Yarn {
  double factor = 1;
  int64_t original_positions = 4096;
  double beta_fast = 32;
  double beta_slow = 1;
  double mscale = 1;
  double mscale_all_dim = 0;
};

// config.json of a DeepSeek-like model, in our words; the names there stand behind.
struct Config {
  Family family = Family::DeepseekV32;
  int64_t vocabulary = 0;      // vocab_size
  int64_t hidden = 0;          // hidden_size
  int64_t layers = 0;          // num_hidden_layers
  int64_t mtp_layers = 0;      // num_nextn_predict_layers: recognised, not run
  int64_t positions = 0;       // max_position_embeddings
  int64_t heads = 0;           // num_attention_heads
  int64_t query_latent = 0;    // q_lora_rank; 0: queries come straight from the hidden state
  int64_t latent = 0;          // kv_lora_rank
  int64_t nope = 0;            // qk_nope_head_dim
  int64_t rope = 0;            // qk_rope_head_dim
  int64_t value = 0;           // v_head_dim
  float norm_epsilon = 1e-6f;  // rms_norm_eps
  double rope_theta = 10000;
  RopePairs rope_pairs = RopePairs::Interleaved;  // rope_interleave
  std::optional<Yarn> yarn;
  bool tied_embeddings = false;  // tie_word_embeddings

  int64_t dense_inner = 0;     // intermediate_size
  int64_t expert_inner = 0;    // moe_intermediate_size
  int64_t experts = 0;         // n_routed_experts; 0: every layer is dense
  int64_t shared_experts = 0;  // n_shared_experts: one MLP of that many times expert_inner
  int64_t chosen_experts = 0;  // num_experts_per_tok
  int64_t dense_layers = 0;    // first_k_dense_replace
  int64_t moe_every = 1;       // moe_layer_freq
  Router::Score router_score = Router::Score::Sigmoid;  // scoring_func
  Router::Group router_group = Router::Group::None;     // topk_method
  int32_t router_groups = 1;                            // n_group
  int32_t router_groups_kept = 1;                       // topk_group
  bool router_bias = false;                             // e_score_correction_bias is there
  bool router_normalise = true;                         // norm_topk_prob
  float router_scale = 1;                               // routed_scaling_factor

  int64_t index_heads = 0;  // index_n_heads; 0: dense attention everywhere
  int64_t index_dim = 0;    // index_head_dim
  int32_t index_top_k = 0;  // index_topk
  RopePairs index_rope_pairs = RopePairs::HalfSplit;  // indexer_rope_interleave

  int64_t scale_block = 128;           // quantization_config.weight_block_size
  bool power_of_two_scales = false;    // quantization_config.scale_fmt "ue8m0"
  std::optional<int32_t> begin_token;  // bos_token_id
  std::vector<int32_t> end_tokens;     // eos_token_id: one or several
  std::string prompt_family =
      "default";  // elenchus.prompts: which prompts the model was trained on

  bool sparse() const { return index_heads > 0; }
  bool is_moe(int64_t layer) const {
    return experts > 0 && layer >= dense_layers && layer % moe_every == 0;
  }
  // q . k is multiplied with this: (nope + rope)^-1/2, and YaRN's correction squared.
  double softmax_scale() const;
};

// Reads config.json (and generation_config.json's end tokens, if there). Throws Refused: no such
// file, not JSON, an unknown model_type (named, with those that are known), a field that is
// missing, has another type, is out of its limits, or contradicts another.
Config read_config(const std::filesystem::path& directory);

// The same from texts, for tests and fuzzing. `generation` may be empty.
Config parse_config(std::string_view config_json, std::string_view generation_json);

// Angles of all positions below `positions`: [positions, rope / 2, 2], cos and sin, from
// frequencies in double.
std::vector<float> rope_table(const Config& config, int64_t positions);

}  // namespace model
