"""Makes model/tiny: a DeepSeek-V3.2 of random weights that speaks noise, for tests and examples.

    python3 make_tiny.py

Its weights are computed from their names, as in make_network.py, and stored in BF16 (vectors in F32). The tokenizer is
tokenizer.json of this folder.
"""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
from make_network import weight

HERE = Path(__file__).parent
TINY = HERE.parent.parent.parent / "model" / "tiny"
CONFIG = dict(
    architectures=["DeepseekV32ForCausalLM"],
    model_type="deepseek_v32",
    hidden_size=64,
    intermediate_size=128,
    moe_intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=4,
    n_shared_experts=1,
    n_routed_experts=8,
    num_experts_per_tok=2,
    n_group=4,
    topk_group=2,
    norm_topk_prob=True,
    scoring_func="sigmoid",
    topk_method="noaux_tc",
    routed_scaling_factor=2.5,
    kv_lora_rank=32,
    q_lora_rank=32,
    qk_rope_head_dim=16,
    qk_nope_head_dim=16,
    v_head_dim=16,
    first_k_dense_replace=1,
    moe_layer_freq=1,
    max_position_embeddings=8192,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    tie_word_embeddings=False,
    hidden_act="silu",
    attention_bias=False,
    index_n_heads=4,
    index_head_dim=32,
    index_topk=128,
    torch_dtype="bfloat16",
)


def tensors(c):
    h, heads = c["hidden_size"], c["num_attention_heads"]
    nope, rope, v = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]

    def mlp(prefix, inner):
        return [
            (prefix + "gate_proj.weight", (inner, h)),
            (prefix + "up_proj.weight", (inner, h)),
            (prefix + "down_proj.weight", (h, inner)),
        ]

    out = [("model.embed_tokens.weight", (c["vocab_size"], h))]
    for i in range(c["num_hidden_layers"]):
        layer, a = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        out += [
            (layer + "input_layernorm.weight", (h,)),
            (a + "q_a_proj.weight", (c["q_lora_rank"], h)),
            (a + "q_a_layernorm.weight", (c["q_lora_rank"],)),
            (a + "q_b_proj.weight", (heads * (nope + rope), c["q_lora_rank"])),
            (a + "kv_a_proj_with_mqa.weight", (c["kv_lora_rank"] + rope, h)),
            (a + "kv_a_layernorm.weight", (c["kv_lora_rank"],)),
            (a + "kv_b_proj.weight", (heads * (nope + v), c["kv_lora_rank"])),
            (a + "o_proj.weight", (h, heads * v)),
            (a + "indexer.wq_b.weight", (c["index_n_heads"] * c["index_head_dim"], c["q_lora_rank"])),
            (a + "indexer.wk.weight", (c["index_head_dim"], h)),
            (a + "indexer.k_norm.weight", (c["index_head_dim"],)),
            (a + "indexer.k_norm.bias", (c["index_head_dim"],)),
            (a + "indexer.weights_proj.weight", (c["index_n_heads"], h)),
            (layer + "post_attention_layernorm.weight", (h,)),
        ]
        if i < c["first_k_dense_replace"]:
            out += mlp(layer + "mlp.", c["intermediate_size"])
            continue
        out += [
            (layer + "mlp.gate.weight", (c["n_routed_experts"], h)),
            (layer + "mlp.gate.e_score_correction_bias", (c["n_routed_experts"],)),
        ]
        for e in range(c["n_routed_experts"]):
            out += mlp(layer + f"mlp.experts.{e}.", c["moe_intermediate_size"])
        out += mlp(layer + "mlp.shared_experts.", c["moe_intermediate_size"] * c["n_shared_experts"])
    return out + [("model.norm.weight", (h,)), ("lm_head.weight", (c["vocab_size"], h))]


def to_bf16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def main():
    tokenizer = json.loads((HERE / "tokenizer.json").read_text())
    ids = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    vocabulary = 1 + max(max(tokenizer["model"]["vocab"].values()), max(ids.values()))
    config = dict(
        CONFIG,
        vocab_size=vocabulary,
        bos_token_id=ids["<｜begin▁of▁sentence｜>"],
        eos_token_id=ids["<｜end▁of▁sentence｜>"],
    )
    TINY.mkdir(exist_ok=True)
    (TINY / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copyfile(HERE / "tokenizer.json", TINY / "tokenizer.json")
    header, blobs, at = {}, [], 0
    for name, shape in tensors(config):
        value = weight(name, shape)
        blob = (value if len(shape) == 1 else to_bf16(value)).tobytes()
        dtype = "F32" if len(shape) == 1 else "BF16"
        header[name] = dict(dtype=dtype, shape=list(shape), data_offsets=[at, at + len(blob)])
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(TINY / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(at, "bytes,", vocabulary, "tokens")


if __name__ == "__main__":
    main()
