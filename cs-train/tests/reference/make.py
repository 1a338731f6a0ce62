#!/usr/bin/env python3
"""Reference values for cs-train's tests, made by scikit-learn, seqeval, numpy and PyTorch.

python make.py > reference.json

Needs torch, scikit-learn, seqeval.
"""
import json
import random

import torch
from seqeval.metrics import f1_score as span_f1
from sklearn.metrics import accuracy_score, f1_score

random.seed(5)
torch.manual_seed(5)


def labels():
    """Gold and predicted intents; some labels occur on one side only."""
    gold = [random.choice("abcdef") for _ in range(200)]
    predicted = [g if random.random() < 0.6 else random.choice("abcdxy") for g in gold]
    return {
        "gold": gold,
        "predicted": predicted,
        "accuracy": accuracy_score(gold, predicted),
        "macro_f1": f1_score(gold, predicted, average="macro"),
    }


def spans_of(length):
    """Disjoint random spans of a text of `length` characters: (start, end, label)."""
    spans, at = [], 0
    while at < length:
        start = at + random.randint(0, 4)
        end = start + random.randint(1, 5)
        if end > length:
            break
        spans.append((start, end, random.choice(["order", "date", "city-name"])))
        at = end
    return spans


def tag(spans, length):
    tags = ["O"] * length
    for start, end, label in spans:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


def spans():
    """Spans over single characters as tokens, scored by seqeval with its defaults."""
    rows, gold_tags, predicted_tags = [], [], []
    for _ in range(60):
        text = "".join(random.choice("ab 查订 1") for _ in range(random.randint(1, 30)))
        gold = spans_of(len(text))
        predicted = [s for s in gold if random.random() < 0.6] if random.random() < 0.7 else spans_of(len(text))
        rows.append({"text": text, "gold": gold, "predicted": predicted})
        gold_tags.append(tag(gold, len(text)))
        predicted_tags.append(tag(predicted, len(text)))
    return {"rows": rows, "f1": span_f1(gold_tags, predicted_tags)}


def lenient():
    """Tags that begin inside an entity, as a model may give them."""
    tags = ["O", "B-a", "I-a", "I-b"]
    gold = [[random.choice(tags) for _ in range(8)] for _ in range(40)]
    predicted = [[t if random.random() < 0.7 else random.choice(tags) for t in row] for row in gold]
    return {"gold": gold, "predicted": predicted, "f1": span_f1(gold, predicted)}


def calibration():
    """Bins (lower, upper], as in the code of Guo et al. (temperature_scaling.py)."""
    edges = torch.linspace(0, 1, 16, dtype=torch.float64)
    confidence = torch.rand(500, dtype=torch.float64)
    right = torch.rand(500, dtype=torch.float64) < confidence**1.5
    ece = torch.zeros((), dtype=torch.float64)
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = (right[inside].double().mean() - confidence[inside].mean()).abs()
            ece += gap * inside.double().mean()
    return {"confidence": confidence.tolist(), "right": right.tolist(), "ece": ece.item()}


def loss():
    """0.7 (intent + tag cross-entropy) + 0.3 MSE with rows and tokens left out."""
    intent, tags = torch.randn(4, 3), torch.randn(9, 5)
    sentiment = torch.rand(4)
    intents = torch.tensor([2, -100, 0, 1])
    targets = torch.tensor([-100, 0, 3, -100, 4, 1, -100, 0, -100])
    sentiments = torch.tensor([0.25, float("nan"), float("nan"), 1.0])
    for tensor in (intent, tags, sentiment):
        tensor.requires_grad_(True)
    ce = torch.nn.CrossEntropyLoss()
    known = ~sentiments.isnan()
    parts = [ce(intent, intents), ce(tags, targets), torch.nn.MSELoss()(sentiment[known], sentiments[known])]
    total = 0.7 * (parts[0] + parts[1]) + 0.3 * parts[2]
    total.backward()
    return {
        "intent": intent.tolist(), "tags": tags.tolist(), "sentiment": sentiment.tolist(),
        "intents": intents.tolist(), "targets": targets.tolist(),
        "sentiments": [None if s != s else s for s in sentiments.tolist()],
        "parts": [p.item() for p in parts], "total": total.item(),
        "gradients": {"intent": intent.grad.tolist(), "tags": tags.grad.tolist(),
                      "sentiment": sentiment.grad.tolist()},
    }


def adamw():
    """torch.optim.AdamW with a group without decay, clipping, and a changing rate."""
    embedding = torch.randn(12, 4)
    weight, bias = torch.randn(3, 4), torch.randn(3)
    start = {"embedding": embedding.tolist(), "weight": weight.tolist(), "bias": bias.tolist()}
    for tensor in (embedding, weight, bias):
        tensor.requires_grad_(True)
    optimizer = torch.optim.AdamW(
        [{"params": [embedding, weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}],
        lr=0.0, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    rows = [1, 4, 5, 9]  # the only ones that ever occur
    steps, norms = [], []
    for step in range(25):
        ids = [random.choice(rows) for _ in range(3)]
        targets = [random.randrange(3) for _ in range(3)]
        lr = 0.05 * (25 - step) / 25
        loss = torch.nn.functional.cross_entropy(embedding[ids] @ weight.T + bias, torch.tensor(targets))
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_([embedding, weight, bias], 1.6).item())
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        steps.append({"ids": ids, "targets": targets, "lr": lr})
    end = {"embedding": embedding.tolist(), "weight": weight.tolist(), "bias": bias.tolist()}
    return {"start": start, "rows": rows, "steps": steps, "norms": norms, "max_norm": 1.6,
            "weight_decay": 0.1, "end": end}


print(json.dumps({"labels": labels(), "spans": spans(), "lenient": lenient(),
                  "calibration": calibration(), "loss": loss(), "adamw": adamw()},
                 ensure_ascii=False))
