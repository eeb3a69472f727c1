"""Makes the golden logits of every family with Hugging Face transformers, in float32 and on the CPU.

    python3 make_network.py [OUT_DIR]

Made with torch 2.15.0, transformers 5.23.0, numpy 2.4.6, safetensors 0.8. For each case it writes NAME.json, which
is the model's config.json, and NAME.safetensors with `tokens` [T], `logits` [T, vocabulary] and
`logits_bf16`, the same of a model whose weights were rounded to bfloat16 first, and `logits_own_bf16`, what
transformers makes of that model in bfloat16. Weights are not stored: both sides compute them from their names (`weight` here, tests/model/golden_weights.cpp there).
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (
    DeepseekV2Config,
    DeepseekV2ForCausalLM,
    DeepseekV3Config,
    DeepseekV3ForCausalLM,
    DeepseekV32Config,
    DeepseekV32ForCausalLM,
    GlmMoeDsaConfig,
    GlmMoeDsaForCausalLM,
)

TOKENS = 80
BASE = dict(
    vocab_size=96,
    hidden_size=64,
    intermediate_size=72,
    moe_intermediate_size=40,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=4,
    n_shared_experts=1,
    n_routed_experts=8,
    num_experts_per_tok=3,
    routed_scaling_factor=2.5,
    kv_lora_rank=32,
    q_lora_rank=24,
    qk_rope_head_dim=8,
    qk_nope_head_dim=12,
    v_head_dim=10,
    first_k_dense_replace=1,
    max_position_embeddings=256,
    rms_norm_eps=1e-6,
    tie_word_embeddings=False,
    hidden_act="silu",
    attention_bias=False,
    bos_token_id=0,
    eos_token_id=1,
)
GROUPS = dict(n_group=4, topk_group=2, norm_topk_prob=True)
YARN = dict(
    rope_type="yarn",
    rope_theta=10000.0,
    factor=4.0,
    original_max_position_embeddings=64,
    beta_fast=32,
    beta_slow=1,
    mscale=1.0,
    mscale_all_dim=1.0,
)
PLAIN = dict(rope_type="default", rope_theta=10000.0)
# So many heads that hardly any score is exactly zero: torch.topk takes any of equal scores.
INDEX = dict(index_n_heads=16, index_head_dim=16, index_topk=24)

CASES = {
    "v32": (
        DeepseekV32Config,
        DeepseekV32ForCausalLM,
        dict(BASE, **GROUPS, **INDEX, num_local_experts=8, rope_parameters=YARN),
    ),
    "v3": (DeepseekV3Config, DeepseekV3ForCausalLM, dict(BASE, **GROUPS, rope_parameters=YARN)),
    "moonlight": (
        DeepseekV3Config,
        DeepseekV3ForCausalLM,
        dict(
            BASE,
            q_lora_rank=None,
            n_group=1,
            topk_group=1,
            norm_topk_prob=True,
            n_shared_experts=2,
            rms_norm_eps=1e-5,
            rope_parameters=dict(PLAIN, rope_theta=50000.0),
        ),
    ),
    "v2_lite": (
        DeepseekV2Config,
        DeepseekV2ForCausalLM,
        dict(
            BASE,
            q_lora_rank=None,
            n_shared_experts=2,
            routed_scaling_factor=1.0,
            topk_method="greedy",
            norm_topk_prob=False,
            n_group=1,
            topk_group=1,
            rope_parameters=dict(YARN, mscale=0.707, mscale_all_dim=0.707),
        ),
    ),
    "v2": (
        DeepseekV2Config,
        DeepseekV2ForCausalLM,
        dict(
            BASE,
            n_shared_experts=2,
            routed_scaling_factor=16.0,
            topk_method="group_limited_greedy",
            norm_topk_prob=False,
            n_group=4,
            topk_group=2,
            rope_parameters=PLAIN,
        ),
    ),
    "glm": (
        GlmMoeDsaConfig,
        GlmMoeDsaForCausalLM,
        dict(
            BASE,
            **INDEX,
            n_group=1,
            topk_group=1,
            norm_topk_prob=True,
            rms_norm_eps=1e-5,
            num_local_experts=8,
            rope_parameters=dict(PLAIN, rope_theta=1000000.0),
        ),
    ),
}


def mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def name_hash(name: str) -> np.uint64:
    """FNV-1a, 64 bits."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) % 2**64
    return np.uint64(h)


def uniform(name: str, count: int) -> np.ndarray:
    """Numbers in [-1, 1), 24 bits each, from a tensor's name."""
    with np.errstate(over="ignore"):
        bits = mix(np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + name_hash(name))
    return (bits >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def weight(name: str, shape) -> np.ndarray:
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("norm.weight"):
        return (1.0 + 0.25 * u).astype(np.float32)
    if len(shape) == 1:  # biases
        return (0.25 * u).astype(np.float32)
    if name == "model.embed_tokens.weight":
        return u.astype(np.float32)
    return (2.0 * u / np.sqrt(np.float64(shape[1]))).astype(np.float32)


def fill(model, config, rounded=False) -> None:
    """Overwrites all weights. Experts, which transformers fuses, keep the names of the files."""
    inner = config.moe_intermediate_size

    def weight_of(name, shape):
        w = torch.from_numpy(weight(name, shape))
        return w.bfloat16().float() if rounded else w

    for name, tensor in model.state_dict().items():
        if name.endswith("experts.gate_up_proj"):
            base = name[: -len("gate_up_proj")]
            for e in range(tensor.shape[0]):
                for part, key in enumerate(("gate_proj", "up_proj")):
                    w = weight_of(f"{base}{e}.{key}.weight", (inner, tensor.shape[2]))
                    tensor[e, part * inner : (part + 1) * inner] = w
        elif name.endswith("experts.down_proj"):
            base = name[: -len("down_proj")]
            for e in range(tensor.shape[0]):
                w = weight_of(f"{base}{e}.down_proj.weight", tuple(tensor.shape[1:]))
                tensor[e] = w
        else:
            tensor.copy_(weight_of(name, tuple(tensor.shape)))


def main(out: Path) -> None:
    for name, (config_class, model_class, fields) in CASES.items():
        config = config_class(**fields)
        config._attn_implementation = "eager"
        torch.manual_seed(0)
        with torch.no_grad():
            model = model_class(config).eval().float()
            fill(model, config)
            tokens = ((uniform("tokens." + name, TOKENS) + 1.0) / 2.0 * fields["vocab_size"]).astype(np.int64)
            logits = model(torch.from_numpy(tokens)[None]).logits[0].numpy()
            fill(model, config, rounded=True)
            logits_bf16 = model(torch.from_numpy(tokens)[None]).logits[0].numpy()
            own_bf16 = model.bfloat16()(torch.from_numpy(tokens)[None]).logits[0].float().numpy()
        stored = json.loads(config.to_json_string(use_diff=False))
        kept = sorted(set(fields) | {"model_type", "architectures", "rope_interleave", "scoring_func"})
        stored = {k: stored[k] for k in kept if k in stored and stored[k] is not None}
        if name == "glm":
            stored["indexer_rope_interleave"] = True  # what published GLM-5 files say of themselves
        if fields["q_lora_rank"] is None:
            stored["q_lora_rank"] = None
        (out / f"{name}.json").write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
        save_file(
            {
                "tokens": tokens.astype(np.int32),
                "logits": np.ascontiguousarray(logits),
                "logits_bf16": np.ascontiguousarray(logits_bf16),
                "logits_own_bf16": np.ascontiguousarray(own_bf16),
            },
            out / f"{name}.safetensors",
        )
        print(name, logits.shape, "largest", float(np.abs(logits).max()), "rms", float(logits.std()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
