"""Training steps a second of the default recipe's model in PyTorch (transformers' DeepseekV3 classes).

    python3 bench/training_peer.py --threads 2 --tokens 4096 --document 256

Beside it runs `bench_training THREADS TOKENS DOCUMENT steps`; bench/training_pairs.py runs both in turn.
Documents of equal length stand in rows of a batch, so that PyTorch needs no masks between them: attention is
dense and causal, through scaled_dot_product_attention; the step is AdamW's. Random tokens, random weights.
"""

import argparse
import json
import statistics
import time

import torch
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM


def model_of(config):
    return DeepseekV3ForCausalLM(DeepseekV3Config(**config, attn_implementation="sdpa"))


def config():
    return dict(
        vocab_size=640, hidden_size=192, num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=6,
        q_lora_rank=96, kv_lora_rank=64, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32,
        intermediate_size=512, moe_intermediate_size=128, n_routed_experts=8, n_shared_experts=1,
        num_experts_per_tok=2, first_k_dense_replace=1, n_group=1, topk_group=1, norm_topk_prob=True,
        max_position_embeddings=4096, use_cache=False)


def seconds_of_steps(model, optimiser, ids, precision, rounds):
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        times.append(time.perf_counter() - begin)
    return times[1:]  # the first one allocates


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--document", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    ids = torch.randint(0, 640, (arguments.tokens // arguments.document, arguments.document))
    for precision in ("bf16", "float"):
        model = model_of(config())
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
        called = torch.compile(model) if arguments.compile else model
        times = seconds_of_steps(called, optimiser, ids, precision, arguments.rounds)
        rate = ids.numel() / statistics.median(times)
        print(json.dumps({"precision": precision, "tokens_per_second": round(rate), "best": round(ids.numel() / min(times))}))


if __name__ == "__main__":
    main()
