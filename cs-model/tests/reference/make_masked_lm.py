"""Makes the stored reference of tests/it/masked_lm.rs: a tiny random BertForMaskedLM by Hugging Face
transformers, its logits at some positions of a few sequences (one by one, therefore without padding),
and of the first one the hidden states and attention probabilities of each layer.

    python make_masked_lm.py

Made with torch 2.11.0, transformers 5.24.0 and safetensors; writes masked_lm/ beside itself.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM

HERE = pathlib.Path(__file__).parent / "masked_lm"
VOCAB = 40
MASKED = [[1, 3], [0], [2, 7, 8]]
LENGTHS = [5, 1, 9]


def main():
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=12,
        attn_implementation="eager",
    )
    model = BertForMaskedLM(config).eval()
    for name, parameter in model.named_parameters():
        # Larger weights than at a training's start, so that attention is far from uniform.
        scale = 0.1 if "bias" in name or "LayerNorm" in name else 0.3
        parameter.data = parameter.data + scale * torch.randn_like(parameter)
    sequences = [torch.randint(0, VOCAB, (length,)) for length in LENGTHS]
    with torch.no_grad():
        logits = [model(s[None]).logits[0, rows] for s, rows in zip(sequences, MASKED)]
        inner = model(sequences[0][None], output_hidden_states=True, output_attentions=True)
    HERE.mkdir(exist_ok=True)
    (HERE / "config.json").write_text(json.dumps(config.to_diff_dict() | {"model_type": "bert"}, indent=2, sort_keys=True) + "\n")
    tensors = {name: t.contiguous().clone() for name, t in model.state_dict().items()}
    save_file(tensors, HERE / "model.safetensors", metadata={"format": "pt"})
    expected = {"logits": torch.cat(logits)}
    expected["hidden"] = torch.cat([h[0] for h in inner.hidden_states])
    expected["attention"] = torch.cat([a[0] for a in inner.attentions])
    save_file({name: t.contiguous() for name, t in expected.items()}, HERE / "expected.safetensors")
    inputs = {"sequences": [s.tolist() for s in sequences], "masked": MASKED}
    (HERE / "inputs.json").write_text(json.dumps(inputs) + "\n")
    print(sorted(tensors))


main()
