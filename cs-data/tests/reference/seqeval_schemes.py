"""Entities that seqeval sees in random tags of each scheme.

`lenient`: its default mode, in any tags. That mode knows the letters of IOB and IOBES, so the
letters of BILOU and BMES are put in as those they stand for. `strict`: its strict mode, which has
the real schemes (but no BMES), in well-formed tags only.

    python seqeval_schemes.py > seqeval_schemes.json      (seqeval 1.2.2)
"""

import json
import random

from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

LETTERS = {"IOB1": "BI", "IOB2": "BI", "IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES"}
STRICT = {"IOB1": IOB1, "IOB2": IOB2, "IOBES": IOBES, "BILOU": BILOU}
AS_IOBES = {"L": "E", "U": "S", "M": "I"}
LABELS = ["city", "order-id", "产品"]


def lenient(scheme):
    tags = []
    for _ in range(random.randint(1, 9)):
        letter = random.choice(LETTERS[scheme] + "O")
        tags.append("O" if letter == "O" else f"{letter}-{random.choice(LABELS)}")
    plain = [AS_IOBES.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    return {"scheme": scheme, "tags": tags, "entities": get_entities(plain)}


def written(scheme, length, label, previous):
    """The tags of a span of `length` tokens right behind a span of the label `previous`."""
    if scheme == "IOB1":
        letters = ("B" if label == previous else "I") + "I" * (length - 1)
    elif scheme == "IOB2":
        letters = "B" + "I" * (length - 1)
    else:
        begin, inside, end, single = LETTERS[scheme]
        letters = single if length == 1 else begin + inside * (length - 2) + end
    return [f"{letter}-{label}" for letter in letters]


def strict(scheme):
    tags, previous = [], None
    for _ in range(random.randint(0, 5)):
        if random.random() < 0.4:
            tags, previous = tags + ["O"], None
        else:
            label = random.choice(LABELS)
            tags, previous = tags + written(scheme, random.randint(1, 4), label, previous), label
    found = Entities([tags], scheme=STRICT[scheme]).entities[0]
    entities = [(e.tag, e.start, e.end - 1) for e in found]
    return {"scheme": scheme, "tags": tags, "entities": entities, "strict": True}


random.seed(21)
cases = [lenient(scheme) for scheme in LETTERS for _ in range(100)]
cases += [strict(scheme) for scheme in STRICT for _ in range(60)]
print("[" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "]")
