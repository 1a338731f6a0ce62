#!/usr/bin/env python3
"""Reference values for distilling tags: T² · Σ KL(teacher ‖ pupil) of the distributions over each word's tags,
and its derivatives, for every pair of slot heads. A conditional random field's distributions are sums over
every legal sequence of tags, listed one by one; what a field is to learn of independent words is their
distribution given that their sequence is legal. Derivatives are by complex steps.

python tag_distillation.py > tag_distillation.json

Needs numpy.
"""
import itertools
import json

import numpy as np

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]
LENGTHS = [3, 1, 4]
STEP = 1e-30

random = np.random.default_rng(11)
draw = lambda *shape: np.round(random.normal(size=shape) * 2, 3).astype(complex)
count, words = len(TAGS), sum(LENGTHS)
models = {
    name: {"logits": draw(words, count), "transitions": draw(count, count), "start": draw(count), "end": draw(count)}
    for name in ("pupil", "teacher")
}


def follows(before, tag):
    return not tag.startswith("I-") or (before is not None and before[2:] == tag[2:])


def legal(path):
    return all(follows(TAGS[path[i - 1]] if i else None, TAGS[tag]) for i, tag in enumerate(path))


paths = {n: np.array([p for p in itertools.product(range(count), repeat=n) if legal(p)]) for n in LENGTHS}


def field(model, temperature):
    found, first = [], 0
    for length in LENGTHS:
        p, logits = paths[length], model["logits"][first : first + length]
        score = logits[np.arange(length), p].sum(1) + model["transitions"][p[:, :-1], p[:, 1:]].sum(1)
        score = (score + model["start"][p[:, 0]] + model["end"][p[:, -1]]) / temperature
        weight = np.exp(score - score.real.max())
        weight = weight / weight.sum()
        found += [[weight[p[:, word] == tag].sum() for tag in range(count)] for word in range(length)]
        first += length
    return np.array(found)


def softmax(model, temperature):
    weight = np.exp(model["logits"] / temperature)
    return weight / weight.sum(1, keepdims=True)


def constrained(model, temperature):
    zeros = {name: np.zeros_like(model[name]) for name in ("transitions", "start", "end")}
    return field({**model, **zeros}, temperature)


def divergence(pupil, teacher):
    p, q = teacher.real, pupil
    possible = p > 0
    return (p[possible] * (np.log(p[possible]) - np.log(q[possible]))).sum()


def pair(pupil_head, teacher_head, temperature):
    of_teacher = field if teacher_head == "crf" else constrained if pupil_head == "crf" else softmax
    of_pupil = field if pupil_head == "crf" else softmax
    teacher = of_teacher(models["teacher"], temperature)
    loss = lambda pupil: temperature**2 * divergence(of_pupil(pupil, temperature), teacher)
    gradient = {}
    for name, values in models["pupil"].items():
        gradient[name] = np.zeros(values.shape)
        for place in np.ndindex(values.shape):
            moved = {**models["pupil"], name: values.copy()}
            moved[name][place] += 1j * STEP
            gradient[name][place] = loss(moved).imag / STEP
    return {"loss": loss(models["pupil"]).real, "gradient": {name: g.tolist() for name, g in gradient.items()}}


heads = ("softmax", "crf")
result = {
    "tags": TAGS,
    "lengths": LENGTHS,
    **{name: {key: x.real.tolist() for key, x in model.items()} for name, model in models.items()},
    "pairs": [
        {"pupil_head": p, "teacher_head": t, "temperature": T, **pair(p, t, T)}
        for p in heads
        for t in heads
        for T in (1.0, 3.0)
    ],
}
print(json.dumps(result))
