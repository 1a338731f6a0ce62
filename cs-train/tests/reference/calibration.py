#!/usr/bin/env python3
"""Reference values for cs-train's calibration, made by scipy, numpy and scikit-learn.

python calibration.py > calibration.json

Needs numpy, scipy, scikit-learn.
"""
import json

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, f1_score, log_loss

random = np.random.default_rng(11)


def temperature(scale, noise, rows=90, labels=5):
    """Logits whose temperature is off by `scale`, and the one that minimises sklearn's log_loss."""
    truth = random.normal(size=(rows, labels)) * noise
    targets = [int(random.choice(labels, p=softmax(row))) for row in truth]
    logits = np.round(truth * scale, 2)

    def loss(log_temperature):
        p = np.exp(log_softmax(logits / np.exp(log_temperature), axis=1))
        return log_loss(targets, p, labels=range(labels))

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-10})
    return {"logits": logits.tolist(), "targets": targets, "temperature": float(np.exp(best.x)), "nll": best.fun}


def threshold():
    """Confidences in and out of scope, and each target's best value by trying every threshold."""
    inside = [(float(np.round(random.beta(5, 2), 3)), True, bool(random.random() < 0.9)) for _ in range(150)]
    outside = [(float(np.round(random.beta(3, 4), 3)), False, False) for _ in range(30)]
    rows = inside + outside
    confidence = np.array([row[0] for row in rows])
    scope = np.array([row[1] for row in rows])
    right = np.array([row[2] for row in rows])
    edges = sorted(set(confidence))
    tries = [0.0] + [(a + b) / 2 for a, b in zip(edges, edges[1:])]

    def accuracy(t):
        # The label is 1 (right), 2 (wrong) or 0 (out of scope).
        gold = np.where(scope, 1, 0)
        answer = np.where(confidence < t, 0, np.where(right, 1, 2))
        return accuracy_score(gold, answer)

    def balanced(t):
        return ((right & (confidence >= t))[scope].mean() + (confidence < t)[~scope].mean()) / 2

    def oos_f1(t):
        return f1_score(~scope, confidence < t)

    best = {name: max(tries, key=lambda t: (figure(t), -t)) for name, figure in
            [("accuracy", accuracy), ("balanced", balanced), ("out_of_scope_f1", oos_f1)]}
    best["coverage"] = max(t for t in tries if (confidence >= t)[scope].mean() >= 0.9)
    best["precision"] = min(t for t in tries if right[confidence >= t].mean() >= 0.85)
    return {"rows": rows, "best": best}


print(json.dumps({
    "temperatures": [temperature(1.0, 2.0), temperature(3.0, 1.0), temperature(0.25, 3.0)],
    "threshold": threshold(),
}))
