"""Makes the stored references of tests/it/encoders.rs, and of cs-quant's tests: tiny random
encoders by Hugging Face transformers with their heads for masked words, and what they compute for a
few sequences, one by one and therefore without padding.

    python make_encoders.py

Made with torch 2.11.0, transformers 5.24.0 and safetensors; writes albert/, distilbert/, roberta/
and xlm_roberta/ beside itself. Their vocabularies are those of the tokenizers in cs-data's
tests/reference/families.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import (
    AlbertConfig, AlbertForMaskedLM, DistilBertConfig, DistilBertForMaskedLM, RobertaConfig, RobertaForMaskedLM,
    XLMRobertaConfig, XLMRobertaForMaskedLM,
)

HERE = pathlib.Path(__file__).parent
LENGTHS = [5, 1, 9, 40, 3]
MASKED = [[1, 3], [0], [2, 7, 8], [39], []]
# Ids below are special: RoBERTa counts no position for padding.
FIRST_WORD = 5

SMALL = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
MODELS = {
    "roberta": (RobertaForMaskedLM, RobertaConfig(
        vocab_size=331, **SIZES, max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5,
    )),
    "xlm_roberta": (XLMRobertaForMaskedLM, XLMRobertaConfig(
        vocab_size=69, **SMALL, max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5,
    )),
    "distilbert": (DistilBertForMaskedLM, DistilBertConfig(
        vocab_size=118, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=40,
    )),
    "albert": (AlbertForMaskedLM, AlbertConfig(
        vocab_size=67, embedding_size=16, **SIZES | dict(num_hidden_layers=3), max_position_embeddings=40,
    )),
}


def sequences(vocab):
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(FIRST_WORD, vocab, (length,), generator=generator) for length in LENGTHS]


def spread(model):
    """Larger weights than at a training's start, so that attention is far from uniform, in 16 bits."""
    for name, parameter in model.named_parameters():
        scale = 0.1 if "bias" in name or "norm" in name.lower() else 0.3
        parameter.data = (parameter.data + scale * torch.randn_like(parameter)).half().float()


def make(name, architecture, config):
    torch.manual_seed(7)
    model = architecture(config).eval()
    spread(model)
    inputs = sequences(config.vocab_size)
    with torch.no_grad():
        outputs = [model(s[None], output_hidden_states=True) for s in inputs]
    logits = [o.logits[0, rows] for o, rows in zip(outputs, MASKED)]
    expected = {
        "hidden": torch.cat([o.hidden_states[-1][0] for o in outputs]),
        "inner": torch.cat([state[0] for state in outputs[0].hidden_states]),
        "logits": torch.cat(logits),
    }
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    model.half().save_pretrained(folder)
    for left_over in ["generation_config.json"]:
        (folder / left_over).unlink(missing_ok=True)
    save_file({key: t.contiguous() for key, t in expected.items()}, folder / "expected.safetensors")
    lists = {"sequences": [s.tolist() for s in inputs], "masked": MASKED}
    (folder / "inputs.json").write_text(json.dumps(lists) + "\n")
    print(name, len(outputs[0].hidden_states), {k: tuple(t.shape) for k, t in model.state_dict().items()})


for name, (architecture, config) in MODELS.items():
    make(name, architecture, config)
