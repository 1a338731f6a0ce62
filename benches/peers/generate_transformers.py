"""`transformers` beside `generate batch`: Qwen2.5-0.5B's shape with random weights, ragged prompts padded on
the left, greedy.

  python generate_transformers.py [--device cuda] [--dtype bfloat16] [--prompts 512] [--shortest 8] [--longest 128]
      [--new 64] [--rounds 3] [--attention sdpa]

Writes {"tokens_per_second": [...], "prefill_seconds": [...], "seconds": [...], "peak_mb": N}, a number a round
after one that warms up. Needs torch and transformers."""

import argparse
import json
import random
import time

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cuda")
parser.add_argument("--dtype", default="bfloat16")
parser.add_argument("--prompts", type=int, default=512)
parser.add_argument("--shortest", type=int, default=8)
parser.add_argument("--longest", type=int, default=128)
parser.add_argument("--new", type=int, default=64)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--attention", default="sdpa")
args = parser.parse_args()

config = Qwen2Config(
    vocab_size=151936,
    hidden_size=896,
    intermediate_size=4864,
    num_hidden_layers=24,
    num_attention_heads=14,
    num_key_value_heads=2,
    max_position_embeddings=32768,
    rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    tie_word_embeddings=True,
    bos_token_id=None,
    eos_token_id=None,
    pad_token_id=0,
)
config._attn_implementation = args.attention
torch.manual_seed(1)
with torch.device(args.device):
    model = Qwen2ForCausalLM(config).to(getattr(torch, args.dtype)).eval()

span = max(args.longest - args.shortest, 0) + 1
lengths = [args.shortest + place * 37 % span for place in range(args.prompts)]
longest = max(lengths)
draw = random.Random(7)
ids = torch.zeros(args.prompts, longest, dtype=torch.long)
mask = torch.zeros_like(ids)
for row, length in enumerate(lengths):
    ids[row, longest - length :] = torch.tensor([draw.randrange(1, config.vocab_size) for _ in range(length)])
    mask[row, longest - length :] = 1
ids, mask = ids.to(args.device), mask.to(args.device)


def seconds(new):
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            ids, attention_mask=mask, max_new_tokens=new, min_new_tokens=new, do_sample=False, eos_token_id=None
        )
    out[0, -1].item()
    assert out.shape[1] == longest + new
    return time.perf_counter() - start


prefill, whole = [], []
for number in range(args.rounds + 1):
    first, every = seconds(1), seconds(args.new)
    if number:
        prefill.append(first)
        whole.append(every)
peak = torch.cuda.max_memory_allocated() >> 20 if args.device.startswith("cuda") else None
rates = [args.prompts * args.new / s for s in whole]
print(json.dumps({"tokens_per_second": rates, "prefill_seconds": prefill, "seconds": whole, "peak_mb": peak}))
