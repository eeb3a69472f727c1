"""Writes a synthetic model of the DeepSeek-V3.2 kind with random weights, for speed only.

    python3 bench/make_model.py DIR [--gguf FILE] [--fp8] [--preset small|moonlight] [--seed N]

DIR becomes a Hugging Face directory (config.json, model.safetensors in BF16, or FP8 e4m3 with 128 x 128 block
scales). --gguf writes the same BF16 weights as llama.cpp's `deepseek32` (needs the gguf package of
python3-gguf). `small` has 513.6 million parameters; `moonlight` is a DeepSeek-V3 of 16 thousand million,
FP8 only, one random block repeated, so that it is written as fast as the disk allows.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np

SMALL = dict(
    model_type="deepseek_v32",
    architectures=["DeepseekV32ForCausalLM"],
    vocab_size=32000,
    hidden_size=2048,
    intermediate_size=4096,
    moe_intermediate_size=512,
    num_hidden_layers=4,
    num_attention_heads=16,
    num_key_value_heads=16,
    n_shared_experts=1,
    n_routed_experts=32,
    num_experts_per_tok=8,
    n_group=1,
    topk_group=1,
    norm_topk_prob=True,
    scoring_func="sigmoid",
    topk_method="noaux_tc",
    routed_scaling_factor=2.5,
    kv_lora_rank=512,
    q_lora_rank=512,
    qk_rope_head_dim=64,
    qk_nope_head_dim=128,
    v_head_dim=128,
    first_k_dense_replace=1,
    moe_layer_freq=1,
    max_position_embeddings=163840,
    rms_norm_eps=1e-6,
    rope_theta=10000.0,
    tie_word_embeddings=False,
    hidden_act="silu",
    attention_bias=False,
    index_n_heads=16,
    index_head_dim=128,
    index_topk=2048,
    bos_token_id=0,
    eos_token_id=1,
)
MOONLIGHT = dict(
    SMALL,
    model_type="deepseek_v3",
    architectures=["DeepseekV3ForCausalLM"],
    vocab_size=163840,
    intermediate_size=11264,
    moe_intermediate_size=1408,
    num_hidden_layers=27,
    n_shared_experts=2,
    n_routed_experts=64,
    num_experts_per_tok=6,
    routed_scaling_factor=2.446,
    q_lora_rank=None,
    max_position_embeddings=8192,
    rms_norm_eps=1e-5,
    rope_theta=50000.0,
)
for key in ("index_n_heads", "index_head_dim", "index_topk"):
    del MOONLIGHT[key]


def tensors(c):
    """(name, shape, kind): kind is matrix, plain (never FP8), norm or bias."""
    h, heads = c["hidden_size"], c["num_attention_heads"]
    nope, rope, v = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    yield "model.embed_tokens.weight", (c["vocab_size"], h), "plain"
    for i in range(c["num_hidden_layers"]):
        layer, a = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        yield layer + "input_layernorm.weight", (h,), "norm"
        if c["q_lora_rank"]:
            yield a + "q_a_proj.weight", (c["q_lora_rank"], h), "matrix"
            yield a + "q_a_layernorm.weight", (c["q_lora_rank"],), "norm"
            yield a + "q_b_proj.weight", (heads * (nope + rope), c["q_lora_rank"]), "matrix"
        else:
            yield a + "q_proj.weight", (heads * (nope + rope), h), "matrix"
        yield a + "kv_a_proj_with_mqa.weight", (c["kv_lora_rank"] + rope, h), "matrix"
        yield a + "kv_a_layernorm.weight", (c["kv_lora_rank"],), "norm"
        yield a + "kv_b_proj.weight", (heads * (nope + v), c["kv_lora_rank"]), "matrix"
        yield a + "o_proj.weight", (h, heads * v), "matrix"
        if "index_n_heads" in c:
            n, d = c["index_n_heads"], c["index_head_dim"]
            yield a + "indexer.wq_b.weight", (n * d, c["q_lora_rank"]), "matrix"
            yield a + "indexer.wk.weight", (d, h), "matrix"
            yield a + "indexer.k_norm.weight", (d,), "norm"
            yield a + "indexer.k_norm.bias", (d,), "bias"
            yield a + "indexer.weights_proj.weight", (n, h), "plain"
        yield layer + "post_attention_layernorm.weight", (h,), "norm"
        if i < c["first_k_dense_replace"]:
            yield from mlp(layer + "mlp.", c["intermediate_size"], h)
            continue
        yield layer + "mlp.gate.weight", (c["n_routed_experts"], h), "plain"
        yield layer + "mlp.gate.e_score_correction_bias", (c["n_routed_experts"],), "bias"
        for e in range(c["n_routed_experts"]):
            yield from mlp(layer + f"mlp.experts.{e}.", c["moe_intermediate_size"], h)
        shared = c["moe_intermediate_size"] * c["n_shared_experts"]
        yield from mlp(layer + "mlp.shared_experts.", shared, h)
    yield "model.norm.weight", (h,), "norm"
    yield "lm_head.weight", (c["vocab_size"], h), "plain"


def mlp(prefix, inner, hidden):
    yield prefix + "gate_proj.weight", (inner, hidden), "matrix"
    yield prefix + "up_proj.weight", (inner, hidden), "matrix"
    yield prefix + "down_proj.weight", (hidden, inner), "matrix"


def to_bf16(x):
    bits = x.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


class Source:
    """Random weights, a tensor at a time, the same for the same seed."""

    def __init__(self, seed, repeat):
        self.random = np.random.default_rng(seed)
        self.block = self.random.standard_normal(1 << 22, dtype=np.float32) if repeat else None

    def normal(self, shape):
        count = int(np.prod(shape))
        if self.block is not None:
            return np.resize(self.block, count).reshape(shape)
        return self.random.standard_normal(count, dtype=np.float32).reshape(shape)

    def make(self, shape, kind):
        if kind == "norm":
            return np.ones(shape, np.float32)
        if kind == "bias":
            return 0.01 * self.normal(shape)
        return self.normal(shape) / np.sqrt(np.float32(shape[1]))

    def codes(self, shape):
        """Random FP8 e4m3 codes of moderate size: exponents 4 to 7, no NaN."""
        count = int(np.prod(shape))
        if self.block is not None:
            bytes_ = np.resize(self.block.view(np.uint8), count)
        else:
            bytes_ = self.random.integers(0, 256, count, dtype=np.uint8)
        return ((bytes_ & 0x9F) | 0x20).reshape(shape)


def write(directory, config, source, fp8, on_tensor):
    directory.mkdir(parents=True, exist_ok=True)
    stored = dict(config)
    if fp8:
        stored["quantization_config"] = dict(
            quant_method="fp8", fmt="e4m3", activation_scheme="dynamic", weight_block_size=[128, 128]
        )
    (directory / "config.json").write_text(json.dumps(stored, indent=1) + "\n")
    entries, at = {}, 0

    def add(name, dtype, shape, size):
        nonlocal at
        entries[name] = dict(dtype=dtype, shape=list(shape), data_offsets=[at, at + size])
        at += size

    listed = list(tensors(config))
    for name, shape, kind in listed:
        count = int(np.prod(shape))
        if fp8 and kind == "matrix":
            blocks = tuple(-(-n // 128) for n in shape)
            add(name + "_scale_inv", "F32", blocks, 4 * int(np.prod(blocks)))
            add(name, "F8_E4M3", shape, count)
        elif kind in ("norm", "bias"):
            add(name, "F32", shape, 4 * count)
        else:
            add(name, "BF16", shape, 2 * count)
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 64)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name, shape, kind in listed:
            if fp8 and kind == "matrix":
                blocks = tuple(-(-n // 128) for n in shape)
                file.write(np.full(blocks, 1 / (0.3 * np.sqrt(shape[1])), np.float32).tobytes())
                file.write(source.codes(shape).tobytes())
                continue
            value = source.make(shape, kind)
            on_tensor(name, value)
            file.write(value.tobytes() if kind in ("norm", "bias") else to_bf16(value).tobytes())


GGUF_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_a_proj.weight": "attn_q_a.weight",
    "self_attn.q_a_layernorm.weight": "attn_q_a_norm.weight",
    "self_attn.q_b_proj.weight": "attn_q_b.weight",
    "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
    "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.indexer.wq_b.weight": "indexer.attn_q_b.weight",
    "self_attn.indexer.wk.weight": "indexer.attn_k.weight",
    "self_attn.indexer.k_norm.weight": "indexer.k_norm.weight",
    "self_attn.indexer.k_norm.bias": "indexer.k_norm.bias",
    "self_attn.indexer.weights_proj.weight": "indexer.proj.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight",
    "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
    "mlp.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
    "mlp.shared_experts.up_proj.weight": "ffn_up_shexp.weight",
    "mlp.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
}


class Gguf:
    """llama.cpp's file of the same weights."""

    def __init__(self, file, c):
        import gguf

        self.gguf, self.c, self.experts = gguf, c, {}
        w = self.writer = gguf.GGUFWriter(file, "deepseek32")
        nope, rope, v = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        numbers = {
            "context_length": c["max_position_embeddings"],
            "embedding_length": c["hidden_size"],
            "block_count": c["num_hidden_layers"],
            "feed_forward_length": c["intermediate_size"],
            "attention.head_count": c["num_attention_heads"],
            "attention.head_count_kv": 1,
            "attention.key_length": c["kv_lora_rank"] + rope,
            "attention.value_length": c["kv_lora_rank"],
            "attention.key_length_mla": nope + rope,
            "attention.value_length_mla": v,
            "attention.q_lora_rank": c["q_lora_rank"],
            "attention.kv_lora_rank": c["kv_lora_rank"],
            "rope.dimension_count": rope,
            "leading_dense_block_count": c["first_k_dense_replace"],
            "expert_count": c["n_routed_experts"],
            "expert_used_count": c["num_experts_per_tok"],
            "expert_shared_count": c["n_shared_experts"],
            "expert_feed_forward_length": c["moe_intermediate_size"],
            "expert_gating_func": 2,
            "attention.indexer.head_count": c["index_n_heads"],
            "attention.indexer.key_length": c["index_head_dim"],
            "attention.indexer.top_k": c["index_topk"],
            "vocab_size": c["vocab_size"],
        }
        for key, value in numbers.items():
            w.add_uint32(f"deepseek32.{key}", value)
        w.add_float32("deepseek32.attention.layer_norm_rms_epsilon", c["rms_norm_eps"])
        w.add_float32("deepseek32.attention.layer_norm_epsilon", 1e-6)
        w.add_float32("deepseek32.rope.freq_base", c["rope_theta"])
        w.add_float32("deepseek32.expert_weights_scale", c["routed_scaling_factor"])
        w.add_bool("deepseek32.expert_weights_norm", True)
        w.add_string("tokenizer.ggml.model", "no_vocab")

    def put(self, name, value):
        if value.ndim == 1 or name.endswith("ffn_gate_inp.weight"):
            self.writer.add_tensor(name, np.ascontiguousarray(value))
            return
        bits = to_bf16(np.ascontiguousarray(value)).view(np.uint8)
        self.writer.add_tensor(name, bits, raw_dtype=self.gguf.GGMLQuantizationType.BF16)

    def add(self, name, value):
        c = self.c
        top = {
            "model.embed_tokens.weight": "token_embd.weight",
            "model.norm.weight": "output_norm.weight",
            "lm_head.weight": "output.weight",
        }
        if name in top:
            return self.put(top[name], value)
        layer, rest = name.removeprefix("model.layers.").split(".", 1)
        block = f"blk.{layer}."
        if rest == "self_attn.kv_b_proj.weight":
            heads, nope, v = c["num_attention_heads"], c["qk_nope_head_dim"], c["v_head_dim"]
            both = value.reshape(heads, nope + v, c["kv_lora_rank"])
            self.put(block + "attn_k_b.weight", both[:, :nope].transpose(0, 2, 1))
            return self.put(block + "attn_v_b.weight", both[:, nope:])
        if rest.startswith("mlp.experts."):
            _, _, expert, part, _ = rest.split(".")
            key = block + f"ffn_{part.removesuffix('_proj')}_exps.weight"
            self.experts.setdefault(key, []).append(value)
            if len(self.experts[key]) == c["n_routed_experts"]:
                self.put(key, np.stack(self.experts.pop(key)))
            return None
        return self.put(block + GGUF_NAMES[rest], value)

    def close(self):
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--fp8", action="store_true")
    parser.add_argument("--preset", choices=("small", "moonlight"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    config = SMALL if args.preset == "small" else MOONLIGHT
    source = Source(args.seed, repeat=args.preset == "moonlight")
    gguf = Gguf(args.gguf, config) if args.gguf else None
    fp8 = args.fp8 or args.preset == "moonlight"
    if gguf and fp8:
        parser.error("--gguf needs BF16 weights")
    write(args.directory, config, source, fp8, gguf.add if gguf else lambda name, value: None)
    if gguf:
        gguf.close()
    print(sum(int(np.prod(s)) for _, s, _ in tensors(config)), "parameters")


if __name__ == "__main__":
    main()
