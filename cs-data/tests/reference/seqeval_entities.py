"""Entities that seqeval (default mode) sees in random IOB2 tags, invalid ones included.

    python seqeval_entities.py > seqeval_entities.json      (seqeval 1.2.2)
"""

import json
import random

from seqeval.metrics.sequence_labeling import get_entities

TAGS = ["O", "O", "B-city", "I-city", "I-city", "B-order-id", "I-order-id", "B-人名", "I-人名"]

random.seed(20)
cases = []
for _ in range(300):
    tags = random.choices(TAGS, k=random.randint(0, 9))
    cases.append({"tags": tags, "entities": get_entities(tags) if tags else []})
print("[" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "]")
