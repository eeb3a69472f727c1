#include "training/model_shape.h"

#include <nlohmann/json.hpp>

#include "model/tokenizer.h"
#include "training/lexemes.h"

namespace training {

std::string config_json(const ModelShape& shape) {
  const model::Tokenizer tokenizer = model::Tokenizer::parse(tokenizer_json());
  const nlohmann::ordered_json config = {
      {"architectures", {"DeepseekV32ForCausalLM"}},
      {"model_type", "deepseek_v32"},
      {"vocab_size", tokenizer.size()},
      {"hidden_size", shape.hidden_size},
      {"num_hidden_layers", shape.num_hidden_layers},
      {"num_attention_heads", shape.num_attention_heads},
      {"num_key_value_heads", shape.num_attention_heads},
      {"q_lora_rank", shape.q_lora_rank},
      {"kv_lora_rank", shape.kv_lora_rank},
      {"qk_nope_head_dim", shape.qk_nope_head_dim},
      {"qk_rope_head_dim", shape.qk_rope_head_dim},
      {"v_head_dim", shape.v_head_dim},
      {"intermediate_size", shape.intermediate_size},
      {"moe_intermediate_size", shape.moe_intermediate_size},
      {"n_routed_experts", shape.n_routed_experts},
      {"n_shared_experts", shape.n_shared_experts},
      {"num_experts_per_tok", shape.num_experts_per_tok},
      {"first_k_dense_replace", shape.first_k_dense_replace},
      {"moe_layer_freq", 1},
      {"n_group", 1},
      {"topk_group", 1},
      {"topk_method", "noaux_tc"},
      {"scoring_func", "sigmoid"},
      {"norm_topk_prob", true},
      {"routed_scaling_factor", shape.routed_scaling_factor},
      {"index_n_heads", shape.index_n_heads},
      {"index_head_dim", shape.index_head_dim},
      {"index_topk", shape.index_topk},
      {"max_position_embeddings", shape.max_position_embeddings},
      {"rope_theta", shape.rope_theta},
      {"rms_norm_eps", 1e-6},
      {"hidden_act", "silu"},
      {"attention_bias", false},
      {"tie_word_embeddings", false},
      {"torch_dtype", "bfloat16"},
      {"bos_token_id", tokenizer.find("<｜begin▁of▁sentence｜>").value()},
      {"eos_token_id", tokenizer.find("<｜end▁of▁sentence｜>").value()},
      {"elenchus", {{"prompts", kPromptFamily}}}};
  return config.dump(1) + "\n";
}

}  // namespace training
