"""Makes the stored references of tests/it/model_reference.rs: a tiny random BERT by Hugging Face
transformers, and a tiny bidirectional LSTM by torch.nn.LSTM, with their outputs for a few
sequences, one by one and therefore without padding.

    python make_bert.py

Made with torch 2.11.0, transformers 5.23.0 and safetensors; writes bert/ and bilstm/ beside itself.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

HERE = pathlib.Path(__file__).parent
VOCAB = 60
LENGTHS = [5, 1, 9, 5, 14, 3, 40, 9]


def sequences():
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(0, VOCAB, (length,), generator=generator) for length in LENGTHS]


def write(folder, config, tensors, hidden):
    folder = HERE / folder
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "model.safetensors")
    save_file({"hidden": torch.cat(hidden)}, folder / "expected.safetensors")
    inputs = [s.tolist() for s in sequences()]
    (folder / "inputs.json").write_text(json.dumps(inputs) + "\n")


def spread(module):
    """Larger weights than at a training's start, so that attention is far from uniform."""
    for name, parameter in module.named_parameters():
        scale = 0.1 if "bias" in name or "LayerNorm" in name else 0.3
        parameter.data = parameter.data + scale * torch.randn_like(parameter)


def bert():
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    spread(model)
    with torch.no_grad():
        hidden = [model(s[None]).last_hidden_state[0] for s in sequences()]
    # As a checkpoint of a whole BERT has them: with a prefix, and tensors an encoder ignores.
    tensors = {f"bert.{name}": t for name, t in model.state_dict().items()}
    tensors["cls.predictions.bias"] = torch.zeros(VOCAB)
    write("bert", config.to_diff_dict() | {"model_type": "bert"}, tensors, hidden)


def bilstm():
    torch.manual_seed(2)
    words = torch.nn.Embedding(VOCAB, 12)
    lstm = torch.nn.LSTM(12, 10, num_layers=2, bidirectional=True, batch_first=True)
    with torch.no_grad():
        hidden = [lstm(words(s[None]))[0][0] for s in sequences()]
    tensors = {f"encoder.lstm.{name}": t for name, t in lstm.state_dict().items()}
    tensors["embeddings.word_embeddings.weight"] = words.weight.data
    config = {
        "model_type": "bilstm",
        "vocab_size": VOCAB,
        "embedding_size": 12,
        "hidden_size": 10,
        "num_layers": 2,
        "dropout": 0.3,
    }
    write("bilstm", config, tensors, hidden)


bert()
bilstm()
