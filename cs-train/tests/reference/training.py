#!/usr/bin/env python3
"""Reference values for cs-train's training, made by PyTorch, transformers and scikit-learn.

python training.py > training.json

Needs torch, transformers, scikit-learn.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import get_scheduler

torch.manual_seed(11)


def schedules():
    """The factors of 40 steps."""
    out = {}
    for name, theirs in [("linear", "linear"), ("cosine", "cosine"),
                         ("constant", "constant_with_warmup"), ("inverse-sqrt", "inverse_sqrt")]:
        for warmup in (0, 4):
            optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
            scheduler = get_scheduler(theirs, optimizer, warmup, 40)
            factors = []
            for _ in range(40):
                factors.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
            out[f"{name} {warmup}"] = factors
    return out


def entropies():
    """Cross-entropy with label smoothing, class weights, and as focal loss."""
    logits = torch.randn(6, 3)
    targets = torch.tensor([2, -100, 0, 1, 2, 2])
    weights = torch.tensor([0.5, 1.5, 2.0])
    known = targets >= 0

    def focal(x):
        entropy = F.cross_entropy(x[known], targets[known], reduction="none")
        weight = weights[targets[known]]
        return (weight * (1 - torch.exp(-entropy)) ** 2 * entropy).sum() / weight.sum()

    cases = {
        "smoothing": lambda x: F.cross_entropy(x, targets, label_smoothing=0.1),
        "weighted": lambda x: F.cross_entropy(x, targets, weight=weights),
        "both": lambda x: F.cross_entropy(x, targets, weight=weights, label_smoothing=0.1),
        "focal": focal,
    }
    out = {"logits": logits.tolist(), "targets": targets.tolist(), "weights": weights.tolist()}
    for name, loss in cases.items():
        x = logits.clone().requires_grad_(True)
        value = loss(x)
        value.backward()
        out[name] = {"loss": value.item(), "gradient": x.grad.tolist()}
    return out


def balanced():
    labels = np.array([0] * 5 + [1] * 2 + [2])
    return {"labels": labels.tolist(),
            "weights": compute_class_weight("balanced", classes=np.arange(3), y=labels).tolist()}


def r_drop():
    """compute_kl_loss of the authors' README, summed over rows."""
    logits = torch.randn(8, 3).requires_grad_(True)
    counts = [True, False, True, True]
    rows = torch.tensor(counts)
    p, q = logits[:4][rows], logits[4:][rows]
    p_loss = F.kl_div(F.log_softmax(p, -1), F.softmax(q, -1), reduction="none").sum()
    q_loss = F.kl_div(F.log_softmax(q, -1), F.softmax(p, -1), reduction="none").sum()
    loss = (p_loss + q_loss) / 2
    loss.backward()
    return {"logits": logits.tolist(), "counts": counts, "loss": loss.item(), "gradient": logits.grad.tolist()}


def scaler():
    """The rule of GradScaler: after so many steps, overflowing or not, the scale."""
    scale, tracker = torch.tensor([65536.0]), torch.tensor([0], dtype=torch.int32)
    out = []
    for overflow, count in [(True, 1), (False, 1999), (False, 1), (False, 1500), (True, 2), (False, 4000)]:
        for _ in range(count):
            torch._amp_update_scale_(scale, tracker, torch.tensor([float(overflow)]), 2.0, 0.5, 2000)
        out.append([overflow, count, scale.item()])
    return out


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.word, self.dense, self.head = torch.nn.Embedding(6, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 3)

    def forward(self, ids):
        return self.head(torch.tanh(self.dense(self.word(ids))))


def runs():
    """12 steps on one batch: AdamW, clipping, a linear schedule, then with one more thing each."""
    ids, targets = torch.tensor([1, 2, 4, 1, 2]), torch.tensor([0, 1, 2, 0, 2])
    start = Tiny()
    names = {"word.weight": "embeddings.word.weight", "dense.weight": "encoder.layer.0.dense.weight",
             "dense.bias": "encoder.layer.0.dense.bias", "head.weight": "heads.x.weight",
             "head.bias": "heads.x.bias"}
    tensors = lambda model: {names[n]: p.tolist() for n, p in model.named_parameters()}
    out = {"ids": ids.tolist(), "targets": targets.tolist(), "start": tensors(start)}
    for case in ("plain", "layer_decay", "fgm", "ema"):
        model = Tiny()
        model.load_state_dict(start.state_dict())
        depth = {"word": 0.25, "dense": 0.5, "head": 1.0}
        groups = [{"params": [p], "lr": 0.05 * (depth[n.split(".")[0]] if case == "layer_decay" else 1.0),
                   "weight_decay": 0.1 if p.dim() > 1 else 0.0} for n, p in model.named_parameters()]
        optimizer = torch.optim.AdamW(groups)
        scheduler = get_scheduler("linear", optimizer, 0, 12)
        mean = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.7))
        norms = []
        for _ in range(12):
            optimizer.zero_grad()
            F.cross_entropy(model(ids), targets).backward()
            if case == "fgm":
                weight = model.word.weight
                kept = weight.data.clone()
                weight.data += 0.5 * weight.grad / weight.grad.norm()
                F.cross_entropy(model(ids), targets).backward()
                weight.data = kept
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3).item())
            optimizer.step()
            scheduler.step()
            mean.update_parameters(model)
        out[case] = {"end": tensors(mean.module if case == "ema" else model), "norms": norms}
    return out


print(json.dumps({"schedules": schedules(), "entropies": entropies(), "balanced": balanced(),
                  "r_drop": r_drop(), "scaler": scaler(), "runs": runs()}))
