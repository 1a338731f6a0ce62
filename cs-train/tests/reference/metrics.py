#!/usr/bin/env python3
"""Reference values for cs-train's metrics, made by scikit-learn, seqeval, sacrebleu, numpy and PyTorch.

python metrics.py > metrics.json

Needs torch, scikit-learn, seqeval, sacrebleu (2.x).
"""
import json
import math
import random

import numpy as np
import torch
from sacrebleu.metrics import BLEU
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as span_scores
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_span_scores
from seqeval.scheme import IOB2
from sklearn.metrics import (brier_score_loss, confusion_matrix, mean_absolute_error,
                             precision_recall_fscore_support, roc_auc_score, roc_curve)

random.seed(11)
torch.manual_seed(11)


def averages(score):
    """Micro, macro and weighted: [precision, recall, F1]."""
    return {name: [float(x) for x in score(name)[:3]] for name in ("micro", "macro", "weighted")}


def labels():
    """An empty prediction is an abstention: a label that is not scored itself."""
    gold = [random.choice("abcdefg") for _ in range(300)]
    predicted = [g if random.random() < 0.6 else random.choice(["a", "b", "x", "y", ""]) for g in gold]
    names = sorted(set(gold) | set(predicted) - {""})

    def score(average):
        return precision_recall_fscore_support(gold, predicted, labels=names, average=average, zero_division=0)

    return {"gold": gold, "predicted": predicted, "labels": names,
            "per_class": [[float(x) for x in row] for row in zip(*score(None))],
            "confusion": confusion_matrix(gold, predicted, labels=names).tolist(), **averages(score)}


def tags():
    """Random tags, so that most sequences break the scheme."""
    choices = ["O", "O", "B-a", "I-a", "I-b", "B-b", "B-c-d", "I-c-d"]
    gold = [[random.choice(choices) for _ in range(random.randint(0, 9))] for _ in range(60)]
    predicted = [[t if random.random() < 0.75 else random.choice(choices + ["I-e"]) for t in row] for row in gold]
    out = {"gold": gold, "predicted": predicted}
    scorers = {"default": lambda average: span_scores(gold, predicted, average=average, zero_division=0),
               "strict": lambda average: strict_span_scores(gold, predicted, average=average, scheme=IOB2, zero_division=0)}
    for mode, score in scorers.items():
        out[mode] = {"per_label": [[float(x) for x in row] for row in zip(*score(None))], **averages(score)}
    return out


def roc():
    """Scores in tenths, so that there are many ties."""
    scores = [round(random.random(), 1) for _ in range(200)]
    positive = [random.random() < s * 0.5 for s in scores]
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    return {"scores": scores, "positive": positive, "auroc": roc_auc_score(positive, scores),
            "curve": list(zip(false.tolist(), true.tolist()))}


def calibration():
    """Bins (lower, upper] of equal width, Guo et al. 2017."""
    confidence = torch.rand(400, dtype=torch.float64)
    right = torch.rand(400, dtype=torch.float64) < confidence
    edges = torch.linspace(0, 1, 16, dtype=torch.float64)
    gaps, weights = [], []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gaps.append((right[inside].double().mean() - confidence[inside].mean()).abs().item())
            weights.append(inside.double().mean().item())
    return {"confidence": confidence.tolist(), "right": right.tolist(), "ece": float(np.dot(gaps, weights)),
            "mce": max(gaps), "brier": brier_score_loss(right.numpy(), confidence.numpy())}


def errors():
    gold, predicted = np.random.default_rng(3).random((2, 50))
    return {"gold": gold.tolist(), "predicted": predicted.tolist(), "mae": mean_absolute_error(gold, predicted)}


def perplexity():
    logits, targets = torch.randn(40, 30, dtype=torch.float64), torch.randint(30, (40,))
    nll = torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
    mean = torch.nn.functional.cross_entropy(logits, targets).item()
    return {"nll": nll, "tokens": 40, "perplexity": math.exp(mean)}


SENTENCES = [
    # hypothesis, references
    ["您的订单12345已发货,预计3.5天到。", ["您的订单12345已经发货,预计3.5天内到达。", "订单12345已发货。"]],
    ["Your order #12345 has shipped, it's on its way.", ["Your order #12345 was shipped and is on its way.", "It has shipped."]],
    ["", ["Nothing was said.", "Silence"]],
    ["the the the the", ["the cat is on the mat", "there is a cat on the mat"]],
    ["好的", ["好的。", "好"]],
    ["Price: $1,234.56 (incl. 20% VAT) -- e.g. 3-5 days!", ["Price: $1,234.56 (incl. 20 % VAT) – e.g. 3-5 days", "3-5 days"]],
    ["AT&amp;T said &quot;yes&quot; &lt;b&gt; <skipped> twice", ["AT&T said \"yes\" <b> twice", "yes"]],
    ["line one -\nbroken\nline two.", ["line one broken line two .", "line"]],
    ["“引号”——省略…… ①②③ ㈱ ﹏ ☆ 𠀀𠀁 αβγ → ⇒", ["“引号”——省略…… ①② ㈱ ﹏ ☆ 𠀀 αβγ → ⇒", "引号"]],
    ["..,,a.b,c.1,2.3-4-5..", ["..,, a.b , c.1,2.3 - 4-5 ..", "a.b"]],
    ["tab\tand\u00a0nbsp\u3000wide\x1cfs", ["tab and nbsp wide fs", "tab"]],
    ["  I want to return the red shoes and get a refund please  ", ["I want to return the red shoes and get a refund please", "refund"]],
    ["完全不同的回答没有重叠", ["abc def", "xyz"]],
]


def bleu():
    hypotheses = [h for h, _ in SENTENCES]
    first, second = [r[0] for _, r in SENTENCES], [r[1] for _, r in SENTENCES]
    out = {"sentences": SENTENCES, "tokens": {}, "scores": []}
    for tokenizer in ("13a", "zh"):
        tokenize = BLEU(tokenize=tokenizer).tokenizer
        out["tokens"][tokenizer] = [[tokenize(t.rstrip()).split() for t in (h, *r)] for h, r in SENTENCES]
        for smooth in ("exp", "none"):
            for effective in (False, True):
                for references in ([first], [first, second]):
                    metric = BLEU(tokenize=tokenizer, smooth_method=smooth, effective_order=effective)
                    corpus = metric.corpus_score(hypotheses, references)
                    signature = "|".join(p for p in str(metric.get_signature()).split("|") if not p.startswith("version"))
                    sentence = BLEU(tokenize=tokenizer, smooth_method=smooth, effective_order=True)
                    out["scores"].append({
                        "tokenizer": tokenizer, "smoothing": smooth, "effective_order": effective,
                        "references": len(references), "signature": signature, "corpus": corpus.score,
                        "precisions": corpus.precisions, "brevity_penalty": corpus.bp,
                        "hypothesis_tokens": corpus.sys_len, "reference_tokens": corpus.ref_len,
                        "by_sentence": [sentence.sentence_score(h, list(r)).score
                                        for h, *r in zip(hypotheses, *references)]})
    return out


def quantiles():
    values = np.random.default_rng(5).normal(size=37)
    return {"values": values.tolist(), "percentiles": np.percentile(values, [2.5, 97.5]).tolist()}


print(json.dumps({"labels": labels(), "tags": tags(), "roc": roc(), "calibration": calibration(), "errors": errors(),
                  "perplexity": perplexity(), "bleu": bleu(), "quantiles": quantiles()}, ensure_ascii=False))
