"""Golden logits of DeepSeek-V3.2 with the numerics of its published FP8 deployment, in numpy.

    python3 make_published.py [OUT_DIR]

Made with numpy 2.4.6. A transcription of the formulas of DeepSeek-V3.2-Exp's inference code (MLA, indexer with
half-split rope, Hadamard and FP8, gate, SwiGLU), independent of ours and of transformers: expanded keys and
values, whole matrices, no cache. It writes published.safetensors for the model of v32.json. As a check of the
transcription itself, it first runs without the rounding and compares with v32.safetensors.
"""

import json
import sys
from pathlib import Path

import numpy as np
from make_network import weight
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).parent


def fp8_e4m3(x):
    """To the nearest e4m3 number, ties to even; |x| <= 448."""
    magnitude = np.abs(x)
    exponent = np.floor(np.log2(np.maximum(magnitude, 2.0**-6)))
    step = 2.0 ** (np.maximum(exponent, -6) - 3)
    return np.sign(x) * np.round(magnitude / step) * step  # np.round: ties to even


def act_quant(x, group):
    """Groups of `group` along the last axis, scales rounded up to powers of two."""
    shape = x.shape
    g = x.reshape(-1, group)
    amax = np.maximum(np.abs(g).max(axis=1, keepdims=True), 1e-4)
    scale = 2.0 ** np.ceil(np.log2(amax / 448.0))
    return (fp8_e4m3(np.clip(g / scale, -448, 448)) * scale).reshape(shape)


def bf16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def hadamard(n):
    h = np.ones((1, 1))
    while h.shape[0] < n:
        h = np.block([[h, h], [h, -h]])
    return h / np.sqrt(n)


def rms_norm(x, w, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w


def frequencies(c):
    r, dim = c["rope_parameters"], c["qk_rope_head_dim"]
    inv = r["rope_theta"] ** (-np.arange(0, dim, 2) / dim)

    def turn(rotations):
        return dim * np.log(r["original_max_position_embeddings"] / (rotations * 2 * np.pi)) / (
            2 * np.log(r["rope_theta"])
        )

    low = max(np.floor(turn(r["beta_fast"])), 0)
    high = min(np.ceil(turn(r["beta_slow"])), dim - 1)
    ramp = np.clip((np.arange(dim // 2) - low) / max(high - low, 0.001), 0, 1)
    return inv / r["factor"] * ramp + inv * (1 - ramp)


def rope(x, angles, interleaved):
    """x: [T, heads, dim]; angles: [T, dim / 2]."""
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    half = x.shape[-1] // 2
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    out = np.empty_like(x)
    if interleaved:
        out[..., 0::2], out[..., 1::2] = a * cos - b * sin, b * cos + a * sin
    else:
        out[..., :half], out[..., half:] = a * cos - b * sin, b * cos + a * sin
    return out


class Model:
    def __init__(self, config, published):
        self.c, self.published = config, published

    def w(self, name, *shape):
        return weight(name, shape).astype(np.float64)

    def selected(self, prefix, x, c_q, angles):
        """Which tokens each token attends to: [T, T], true or false."""
        c = self.c
        t, heads, dim = len(x), c["index_n_heads"], c["index_head_dim"]
        rot, h, p = c["qk_rope_head_dim"], c["hidden_size"], prefix + "indexer."
        q = (c_q @ self.w(p + "wq_b.weight", heads * dim, c["q_lora_rank"]).T).reshape(t, heads, dim)
        k = x @ self.w(p + "wk.weight", dim, h).T
        k = (k - k.mean(-1, keepdims=True)) / np.sqrt(k.var(-1, keepdims=True) + 1e-6)
        k = k * self.w(p + "k_norm.weight", dim) + self.w(p + "k_norm.bias", dim)
        q[..., :rot] = rope(q[..., :rot], angles, interleaved=False)
        k[:, :rot] = rope(k[:, None, :rot], angles, interleaved=False)[:, 0]
        if self.published:
            q, k = (act_quant(bf16(v) @ hadamard(dim), dim) for v in (q, k))
        weights = x @ self.w(p + "weights_proj.weight", heads, h).T
        score = np.einsum("th,ths->ts", weights, np.maximum(np.einsum("thd,sd->ths", q, k), 0))
        mask = np.zeros((t, t), bool)
        for i in range(t):
            order = np.argsort(-score[i, : i + 1], kind="stable")
            mask[i, order[: c["index_topk"]]] = True
        return mask

    def attention(self, prefix, x, angles):
        c = self.c
        t, heads, h = len(x), c["num_attention_heads"], c["hidden_size"]
        nope, rot, v_dim = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        latent, q_rank = c["kv_lora_rank"], c["q_lora_rank"]
        c_q = x @ self.w(prefix + "q_a_proj.weight", q_rank, h).T
        c_q = rms_norm(c_q, self.w(prefix + "q_a_layernorm.weight", q_rank), 1e-6)
        q = (c_q @ self.w(prefix + "q_b_proj.weight", heads * (nope + rot), q_rank).T).reshape(t, heads, -1)
        q[..., nope:] = rope(q[..., nope:], angles, interleaved=True)
        kv = x @ self.w(prefix + "kv_a_proj_with_mqa.weight", latent + rot, h).T
        c_kv = rms_norm(kv[:, :latent], self.w(prefix + "kv_a_layernorm.weight", latent), 1e-6)
        if self.published:
            c_kv = act_quant(c_kv, min(128, latent))
        k_rot = rope(kv[:, None, latent:], angles, interleaved=True)
        both = (c_kv @ self.w(prefix + "kv_b_proj.weight", heads * (nope + v_dim), latent).T).reshape(t, heads, -1)
        k = np.concatenate([both[..., :nope], np.repeat(k_rot, heads, 1)], -1)
        r = c["rope_parameters"]
        m = 0.1 * r["mscale_all_dim"] * np.log(r["factor"]) + 1
        score = np.einsum("thd,shd->ths", q, k) * (nope + rot) ** -0.5 * m * m
        score = np.where(self.selected(prefix, x, c_q, angles)[:, None], score, -np.inf)
        p = np.exp(score - score.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        out = np.einsum("ths,shd->thd", p, both[..., nope:]).reshape(t, -1)
        return out @ self.w(prefix + "o_proj.weight", h, heads * v_dim).T

    def mlp(self, prefix, x, inner):
        h = self.c["hidden_size"]
        gate = x @ self.w(prefix + "gate_proj.weight", inner, h).T
        up = x @ self.w(prefix + "up_proj.weight", inner, h).T
        return (gate / (1 + np.exp(-gate)) * up) @ self.w(prefix + "down_proj.weight", h, inner).T

    def moe(self, prefix, x):
        c = self.c
        n, h, inner = c["n_routed_experts"], c["hidden_size"], c["moe_intermediate_size"]
        s = 1 / (1 + np.exp(-(x @ self.w(prefix + "gate.weight", n, h).T)))
        biased = s + self.w(prefix + "gate.e_score_correction_bias", n)
        y = self.mlp(prefix + "shared_experts.", x, inner * c["n_shared_experts"])
        experts = [self.mlp(f"{prefix}experts.{e}.", x, inner) for e in range(n)]
        for t in range(len(x)):
            groups = biased[t].reshape(c["n_group"], -1)
            best = np.argsort(-np.sort(groups, 1)[:, -2:].sum(1), kind="stable")[: c["topk_group"]]
            kept = np.full(groups.shape, -np.inf)
            kept[best] = groups[best]
            chosen = np.argsort(-kept.ravel(), kind="stable")[: c["num_experts_per_tok"]]
            w = s[t, chosen] / s[t, chosen].sum() * c["routed_scaling_factor"]
            y[t] += sum(w[j] * experts[e][t] for j, e in enumerate(chosen))
        return y

    def logits(self, tokens):
        c = self.c
        h, eps = c["hidden_size"], c["rms_norm_eps"]
        angles = np.arange(len(tokens))[:, None] * frequencies(c)
        x = self.w("model.embed_tokens.weight", c["vocab_size"], h)[tokens]
        for i in range(c["num_hidden_layers"]):
            layer = f"model.layers.{i}."
            normed = rms_norm(x, self.w(layer + "input_layernorm.weight", h), eps)
            x = x + self.attention(layer + "self_attn.", normed, angles)
            normed = rms_norm(x, self.w(layer + "post_attention_layernorm.weight", h), eps)
            if i < c["first_k_dense_replace"]:
                x = x + self.mlp(layer + "mlp.", normed, c["intermediate_size"])
            else:
                x = x + self.moe(layer + "mlp.", normed)
        x = rms_norm(x, self.w("model.norm.weight", h), eps)
        return x @ self.w("lm_head.weight", c["vocab_size"], h).T


def main(out):
    config = json.loads((HERE / "v32.json").read_text())
    golden = load_file(HERE / "v32.safetensors")
    tokens = golden["tokens"]
    plain = Model(config, published=False).logits(tokens)
    distance = np.linalg.norm(plain - golden["logits"], axis=1) / np.linalg.norm(golden["logits"], axis=1)
    print("without rounding, from transformers' logits: at most", distance.max())
    assert distance.max() < 1e-4
    logits = Model(config, published=True).logits(tokens)
    distance = np.linalg.norm(plain - logits, axis=1) / np.linalg.norm(logits, axis=1)
    print("what the rounding changes: median", np.median(distance), "most", distance.max())
    save_file({"tokens": tokens, "logits": logits.astype(np.float32)}, out / "published.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE))
