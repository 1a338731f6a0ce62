"""Makes the reference models and their outputs with Hugging Face transformers and torch.nn.LSTM.

    python make.py            writes bert/, lstm/ and expected.json beside this file

Weights are drawn wider than a fresh model's, so that attention and gates are not all alike.
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCES = [[2, 17, 5, 33, 3], [2, 3], [2] + list(range(6, 29)) + [3], [2, 49, 48, 3], [7]]


def save(name, config, tensors):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    tensors = {key: value.half().contiguous() for key, value in tensors.items()}
    save_file(tensors, os.path.join(folder, "model.safetensors"))


def bert(act):
    torch.manual_seed(1)
    config = dict(model_type="bert", vocab_size=50, hidden_size=32, num_hidden_layers=2,
                  num_attention_heads=4, intermediate_size=64, hidden_act=act,
                  max_position_embeddings=40, type_vocab_size=2, layer_norm_eps=1e-12)
    model = BertModel(BertConfig(**{k: v for k, v in config.items() if k != "model_type"}),
                      add_pooling_layer=False).eval()
    for name, weight in model.named_parameters():
        spread = 0.5 if "embeddings" in name else 0.25
        base = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        weight.data = (base + torch.randn_like(weight) * spread).half().float()
    save("bert_" + act, config, model.state_dict())
    hidden = [model(torch.tensor([ids])).last_hidden_state[0] for ids in SEQUENCES]
    return [row.flatten().tolist() for row in hidden]


def lstm():
    torch.manual_seed(2)
    config = dict(model_type="bilstm", vocab_size=50, embedding_size=20, hidden_size=13, num_layers=2)
    embedding = torch.nn.Embedding(50, 20)
    model = torch.nn.LSTM(20, 13, num_layers=2, bidirectional=True, batch_first=True).eval()
    tensors = {}
    for name, weight in [("embeddings.word_embeddings.weight", embedding.weight)] + [
            ("encoder.lstm." + key, value) for key, value in model.named_parameters()]:
        weight.data = (torch.randn_like(weight) * 0.4).half().float()
        tensors[name] = weight.data
    save("lstm", config, tensors)
    hidden = [model(embedding(torch.tensor([ids])))[0][0] for ids in SEQUENCES]
    return [row.flatten().tolist() for row in hidden]


with torch.no_grad():
    result = {"sequences": SEQUENCES, "bert_gelu": bert("gelu"), "bert_gelu_new": bert("gelu_new"),
              "bert_relu": bert("relu"), "lstm": lstm()}
for key in list(result):
    if key != "sequences":
        result[key] = [[round(v, 6) for v in row] for row in result[key]]
with open(os.path.join(HERE, "expected.json"), "w") as file:
    json.dump(result, file, separators=(",", ":"))
