#pragma once

#include <string>

// config.json of published models, as far as a program reads it.
namespace published {

// deepseek-ai/DeepSeek-V3.2
inline const std::string kDeepseekV32 = R"({
  "architectures": ["DeepseekV32ForCausalLM"], "model_type": "deepseek_v32",
  "vocab_size": 129280, "hidden_size": 7168, "num_hidden_layers": 61,
  "num_nextn_predict_layers": 1, "num_attention_heads": 128, "num_key_value_heads": 128,
  "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "attention_bias": false, "attention_dropout": 0.0,
  "intermediate_size": 18432, "moe_intermediate_size": 2048, "first_k_dense_replace": 3,
  "moe_layer_freq": 1, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
  "n_group": 8, "topk_group": 4, "scoring_func": "sigmoid", "topk_method": "noaux_tc",
  "norm_topk_prob": true, "routed_scaling_factor": 2.5, "hidden_act": "silu",
  "rms_norm_eps": 1e-06, "rope_theta": 10000, "max_position_embeddings": 163840,
  "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096,
    "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0},
  "ep_size": 1, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048,
  "initializer_range": 0.02, "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": false,
  "torch_dtype": "bfloat16", "use_cache": true,
  "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
    "weight_block_size": [128, 128], "scale_fmt": "ue8m0"},
  "transformers_version": "4.44.2"})";

// deepseek-ai/DeepSeek-V2-Lite
inline const std::string kDeepseekV2Lite = R"({
  "model_type": "deepseek_v2", "vocab_size": 102400, "hidden_size": 2048,
  "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16,
  "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "attention_bias": false, "intermediate_size": 10944,
  "moe_intermediate_size": 1408, "first_k_dense_replace": 1, "moe_layer_freq": 1,
  "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "n_group": 1,
  "topk_group": 1, "scoring_func": "softmax", "topk_method": "greedy", "norm_topk_prob": false,
  "routed_scaling_factor": 1.0, "aux_loss_alpha": 0.001, "seq_aux": true, "hidden_act": "silu",
  "rms_norm_eps": 1e-06, "rope_theta": 10000, "max_position_embeddings": 163840,
  "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096,
    "beta_fast": 32, "beta_slow": 1, "mscale": 0.707, "mscale_all_dim": 0.707},
  "bos_token_id": 100000, "eos_token_id": 100001, "tie_word_embeddings": false})";

// moonshotai/Moonlight-16B-A3B-Instruct
inline const std::string kMoonlight = R"({
  "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
  "vocab_size": 163840, "hidden_size": 2048, "num_hidden_layers": 27, "num_attention_heads": 16,
  "num_key_value_heads": 16, "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
  "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 11264,
  "moe_intermediate_size": 1408, "first_k_dense_replace": 1, "moe_layer_freq": 1,
  "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "n_group": 1,
  "topk_group": 1, "scoring_func": "sigmoid", "topk_method": "noaux_tc", "norm_topk_prob": true,
  "routed_scaling_factor": 2.446, "hidden_act": "silu", "rms_norm_eps": 1e-05,
  "rope_theta": 50000.0, "rope_scaling": null, "max_position_embeddings": 8192,
  "num_nextn_predict_layers": 0, "bos_token_id": 163584, "eos_token_id": 163585})";

// zai-org/GLM-5, in the spelling of transformers 5
inline const std::string kGlm5 = R"({
  "architectures": ["GlmMoeDsaForCausalLM"], "model_type": "glm_moe_dsa",
  "vocab_size": 154880, "hidden_size": 6144, "num_hidden_layers": 78,
  "num_nextn_predict_layers": 1, "num_attention_heads": 64, "num_key_value_heads": 64,
  "head_dim": 64, "q_lora_rank": 2048, "kv_lora_rank": 512, "qk_nope_head_dim": 192,
  "qk_rope_head_dim": 64, "v_head_dim": 256, "attention_bias": false,
  "intermediate_size": 12288, "moe_intermediate_size": 2048, "first_k_dense_replace": 3,
  "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 1,
  "topk_group": 1, "scoring_func": "sigmoid", "topk_method": "noaux_tc", "norm_topk_prob": true,
  "routed_scaling_factor": 2.5, "hidden_act": "silu", "rms_norm_eps": 1e-05,
  "rope_parameters": {"rope_theta": 1000000, "rope_type": "default"},
  "max_position_embeddings": 202752, "index_n_heads": 32, "index_head_dim": 128,
  "index_topk": 2048, "indexer_rope_interleave": true, "eos_token_id": [154820, 154827, 154829],
  "tie_word_embeddings": false})";

}  // namespace published
