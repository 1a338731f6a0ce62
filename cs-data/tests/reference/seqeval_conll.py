"""CoNLL files in each scheme, with the entities that seqeval's strict mode finds in them.

Run with seqeval 1.2.2: python seqeval_conll.py > seqeval_conll.json
"""

import json
import random

from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

SCHEMES = {"iob1": IOB1, "iob2": IOB2, "iobes": IOBES, "bilou": BILOU, "bmes": IOBES}
LETTERS = {"iobes": "BIES", "bilou": "BILU", "bmes": "BMES"}


def encode(scheme, length, spans):
    tags = ["O"] * length
    last = None
    for start, end, label in spans:
        for at in range(start, end):
            if scheme == "iob2":
                prefix = "B" if at == start else "I"
            elif scheme == "iob1":
                touches = last is not None and last[1] == start and last[2] == label
                prefix = "B" if at == start and touches else "I"
            else:
                begin, inside, close, single = LETTERS[scheme]
                if end - start == 1:
                    prefix = single
                else:
                    prefix = begin if at == start else close if at == end - 1 else inside
            tags[at] = f"{prefix}-{label}"
        last = (start, end, label)
    return tags


def main():
    chance = random.Random(3)
    cases = []
    for scheme, known in SCHEMES.items():
        sentences, expected = [], []
        for number in range(40):
            length, spans, at = chance.randint(1, 9), [], 0
            while at < length:
                end = min(length, at + chance.randint(1, 4))
                if chance.random() < 0.6:
                    spans.append((at, end, chance.choice(["city", "date"])))
                at = end
            tags = encode(scheme, length, spans)
            words = [f"w{number}x{at}" for at in range(length)]
            sentences.append("".join(f"{w}\tX\t{t}\n" for w, t in zip(words, tags)))
            seen = [t.replace("M-", "I-") if scheme == "bmes" else t for t in tags]
            found = Entities([seen], known).entities[0]
            expected.append([[e.start, e.end, e.tag] for e in found])
        cases.append({"scheme": scheme, "file": "\n".join(sentences), "entities": expected})
    print(json.dumps(cases, indent=0))


main()
