"""Makes model/tiny: a DeepSeek-V3.2 of random weights that speaks noise, for tests and examples.

    python3 make_tiny.py

Its weights are computed from their names, as in make_network.py, and stored in BF16 (vectors in F32). The tokenizer is
tokenizer.json of this folder.
"""

import json
import shutil
import struct
import sys
from pathlib import Path

from make_network import weight

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
TINY = ROOT / "model" / "tiny"
sys.path.append(str(ROOT / "bench"))
from make_model import tensors, to_bf16  # noqa: E402
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
    for name, shape, _ in tensors(config):
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
