#!/usr/bin/env python3
"""A tiny random BertForMaskedLM by Hugging Face transformers, its masked-language-model loss, and the
gradients of explicit masks on its heads and feed-forward neurons.

python bert.py        # writes bert/ beside itself

Needs torch, transformers, safetensors.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForMaskedLM

FOLDER = pathlib.Path(__file__).parent / "bert"
VOCAB, HIDDEN, HEADS, INNER, LAYERS, MASK = 40, 16, 4, 24, 2, 4
LENGTHS = [5, 3, 9, 6, 4, 7]
INTENTS = [0, 2, 1, 1, 0, 2]

torch.manual_seed(3)
config = BertConfig(vocab_size=VOCAB, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                    intermediate_size=INNER, max_position_embeddings=16)
model = BertForMaskedLM(config).eval()
for name, parameter in model.named_parameters():
    scale = 0.1 if "bias" in name or "LayerNorm" in name else 0.3
    parameter.data += scale * torch.randn_like(parameter)
rows = [torch.randint(5, VOCAB, (length,)).tolist() for length in LENGTHS]


def padded(sequences, fill):
    longest = max(map(len, sequences))
    return torch.tensor([s + [fill] * (longest - len(s)) for s in sequences])


def masked_lm():
    """Some tokens hidden; the loss over a padded batch."""
    ids, labels = [], []
    for row in rows:
        chosen = torch.rand(len(row)) < 0.3
        chosen[int(torch.randint(0, len(row), ()))] = True
        ids.append([MASK if c else token for token, c in zip(row, chosen)])
        labels.append([token if c else -100 for token, c in zip(row, chosen)])
    with torch.no_grad():
        out = model(padded(ids, 0), attention_mask=padded([[1] * len(r) for r in rows], 0), labels=padded(labels, -100))
    guessed = [(out.logits[i, j].argmax().item() == label) for i, row in enumerate(labels)
               for j, label in enumerate(row) if label >= 0]
    return {"ids": ids, "labels": labels, "loss": out.loss.item(), "accuracy": sum(guessed) / len(guessed)}


def importance():
    """Mean absolute gradient of masks of ones, two rows a batch; loss 0.7 × cross-entropy of intents on the mean
    of the hidden states."""
    weight, bias = torch.randn(3, HIDDEN), torch.randn(3)
    masks = {"heads": torch.ones(LAYERS, HEADS, requires_grad=True), "neurons": torch.ones(LAYERS, INNER, requires_grad=True)}
    for i, layer in enumerate(model.bert.encoder.layer):
        def heads(_, args, i=i):
            return (args[0] * masks["heads"][i].repeat_interleave(HIDDEN // HEADS), *args[1:])
        def neurons(_, args, i=i):
            return (args[0] * masks["neurons"][i], *args[1:])
        layer.attention.output.dense.register_forward_pre_hook(heads)
        layer.output.dense.register_forward_pre_hook(neurons)
    sums = {name: torch.zeros_like(mask) for name, mask in masks.items()}
    for start in range(0, len(rows), 2):
        pooled = [model.bert(torch.tensor([row])).last_hidden_state[0].mean(0) for row in rows[start:start + 2]]
        loss = 0.7 * cross_entropy(torch.stack(pooled) @ weight.T + bias, torch.tensor(INTENTS[start:start + 2]))
        for (name, mask), gradient in zip(masks.items(), torch.autograd.grad(loss, list(masks.values()))):
            sums[name] += gradient.abs() / (len(rows) / 2)
    return {"weight": weight.tolist(), "bias": bias.tolist()} | {name: s.tolist() for name, s in sums.items()}


FOLDER.mkdir(exist_ok=True)
(FOLDER / "config.json").write_text(json.dumps(config.to_diff_dict() | {"model_type": "bert"}, indent=2, sort_keys=True) + "\n")
save_file({n: t.contiguous() for n, t in model.state_dict().items() if "decoder" not in n}, FOLDER / "model.safetensors",
          metadata={"format": "pt"})
expected = {"rows": rows, "intents": INTENTS, "masked_lm": masked_lm(), "importance": importance()}
(FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")
