"""Makes the stored marginals of tests/it/crf.rs: every legal sequence of tags of each text of
crf.json, listed one by one, and derivatives by complex steps.

    python make_crf_marginals.py

Needs numpy; writes crf_marginals.json beside itself.
"""

import itertools
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
STEP = 1e-30


def follows(before, tag):
    return not tag.startswith("I-") or (before is not None and before[2:] == tag[2:])


def legal_paths(tags, length):
    """[P, length]"""
    every = itertools.product(range(len(tags)), repeat=length)
    legal = lambda path: all(follows(tags[path[i - 1]] if i else None, tags[path[i]]) for i in range(length))
    return np.array([path for path in every if legal(path)])


def marginals(paths, tags, logits, transitions, start, end, temperature):
    """[length, T]"""
    words = np.arange(paths.shape[1])
    score = logits[words, paths].sum(1) + transitions[paths[:, :-1], paths[:, 1:]].sum(1)
    score = (score + start[paths[:, 0]] + end[paths[:, -1]]) / temperature
    weight = np.exp(score - score.real.max())
    weight = weight / weight.sum()
    return np.array([[weight[paths[:, word] == tag].sum() for tag in range(len(tags))] for word in words])


def main():
    crf = json.loads((HERE / "crf.json").read_text())
    tags, lengths = crf["tags"], crf["lengths"]
    scores = [np.array(crf[name], complex) for name in ("logits", "transitions", "start", "end")]
    paths = {length: legal_paths(tags, length) for length in set(lengths)}
    starts = np.cumsum([0] + lengths)

    def packed(logits, *others, temperature, only=None):
        parts = [
            marginals(paths[length], tags, logits[first : first + length], *others, temperature)
            for first, length in zip(starts, lengths)
        ]
        return np.concatenate(parts)

    # What is differentiated: a weighted sum of logarithms, of the tags that can be.
    weights = np.round(np.random.default_rng(6).normal(size=scores[0].shape), 3)

    def objective(arguments, temperature):
        found = packed(*arguments, temperature=temperature)
        possible = found.real > 0
        return (weights[possible] * np.log(found[possible])).sum()

    stored = {"weights": weights.tolist(), "temperatures": {}}
    for temperature in (1.0, 2.0):
        gradients = []
        for which, values in enumerate(scores):
            gradient = np.zeros(values.shape)
            for place in np.ndindex(values.shape):
                moved = [x.copy() for x in scores]
                moved[which][place] += 1j * STEP
                gradient[place] = objective(moved, temperature).imag / STEP
            gradients.append(gradient.tolist())
        names = ("logits", "transitions", "start", "end")
        stored["temperatures"][f"{temperature:g}"] = {
            "marginals": packed(*scores, temperature=temperature).real.tolist(),
            "gradient": dict(zip(names, gradients)),
        }
    (HERE / "crf_marginals.json").write_text(json.dumps(stored) + "\n")


main()
