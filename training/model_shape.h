#pragma once

#include <cstdint>
#include <string>

namespace training {

// The sizes of a small model of the DeepSeek-V3.2 family, under the names of config.json.
struct ModelShape {
  int64_t hidden_size = 192;
  int64_t num_hidden_layers = 4;
  int64_t num_attention_heads = 6;
  int64_t q_lora_rank = 96;
  int64_t kv_lora_rank = 64;
  int64_t qk_nope_head_dim = 32;
  int64_t qk_rope_head_dim = 16;
  int64_t v_head_dim = 32;
  int64_t intermediate_size = 512;
  int64_t moe_intermediate_size = 128;
  int64_t n_routed_experts = 8;
  int64_t n_shared_experts = 1;
  int64_t num_experts_per_tok = 2;
  int64_t first_k_dense_replace = 1;
  double routed_scaling_factor = 1.0;
  int64_t index_n_heads = 4;
  int64_t index_head_dim = 32;
  int64_t index_topk = 64;
  int64_t max_position_embeddings = 4096;
  double rope_theta = 10000;
};

// The name of the folder with the prompts that the built-in model is taught.
inline constexpr const char* kPromptFamily = "chalk";

// config.json of such a model over the vocabulary of tokenizer_json().
std::string config_json(const ModelShape& shape);

}  // namespace training
