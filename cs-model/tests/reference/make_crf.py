"""Makes the stored reference of tests/it/crf.rs: log-likelihoods, gradients and Viterbi paths of a
conditional random field by pytorch-crf, whose transitions that IOB2 forbids are set to -10000.

    python make_crf.py

Made with torch 2.11.0 and pytorch-crf 0.7.2; writes crf.json beside itself.
"""

import json
import pathlib

import torch
from torchcrf import CRF

TAGS = ["O", "B-city", "I-city", "B-date", "I-date"]
LENGTHS = [4, 1, 7, 2, 4]


def follows(before, tag):
    return not tag.startswith("I-") or (before is not None and before[2:] == tag[2:])


def legal_path(length, generator):
    path = []
    for _ in range(length):
        fits = [i for i, tag in enumerate(TAGS) if follows(TAGS[path[-1]] if path else None, tag)]
        path.append(fits[torch.randint(len(fits), (1,), generator=generator).item()])
    return path


def main():
    generator = torch.Generator().manual_seed(3)
    count, longest = len(TAGS), max(LENGTHS)
    crf = CRF(count, batch_first=True).double()
    draw = lambda *shape: 2 * torch.randn(*shape, generator=generator, dtype=torch.double)
    crf.transitions.data, crf.start_transitions.data, crf.end_transitions.data = draw(count, count), draw(count), draw(count)
    scores = [crf.transitions.tolist(), crf.start_transitions.tolist(), crf.end_transitions.tolist()]
    for i, before in enumerate(TAGS):
        if not follows(None, before):
            crf.start_transitions.data[i] = -10000
        for j, tag in enumerate(TAGS):
            if not follows(before, tag):
                crf.transitions.data[i, j] = -10000
    logits = draw(len(LENGTHS), longest, count).requires_grad_()
    gold = [legal_path(length, generator) for length in LENGTHS]
    mask = torch.arange(longest)[None] < torch.tensor(LENGTHS)[:, None]
    padded = torch.tensor([path + [0] * (longest - len(path)) for path in gold])
    likelihood = crf(logits, padded, mask=mask, reduction="none")
    (-likelihood.sum() / sum(LENGTHS)).backward()
    packed = lambda x: [row for sequence, own in zip(x.tolist(), LENGTHS) for row in sequence[:own]]
    reference = {
        "tags": TAGS,
        "lengths": LENGTHS,
        "transitions": scores[0],
        "start": scores[1],
        "end": scores[2],
        "logits": packed(logits.detach()),
        "gold": sum(gold, []),
        "log_likelihood": likelihood.tolist(),
        "loss": -likelihood.sum().item() / sum(LENGTHS),
        "gradient": {
            "logits": packed(logits.grad),
            "transitions": crf.transitions.grad.tolist(),
            "start": crf.start_transitions.grad.tolist(),
            "end": crf.end_transitions.grad.tolist(),
        },
        "viterbi": crf.decode(logits, mask=mask),
    }
    path = pathlib.Path(__file__).parent / "crf.json"
    path.write_text(json.dumps(reference) + "\n")


main()
