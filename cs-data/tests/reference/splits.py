"""What scikit-learn's StratifiedKFold and GroupShuffleSplit and numpy's quantiles give.

    python splits.py > splits.json      (scikit-learn 1.9, numpy 2.4)
"""

import json
from collections import Counter

import numpy
from sklearn.model_selection import GroupShuffleSplit, StratifiedKFold

# The classes appear in the order of their names: scikit-learn deals them in that of appearance.
CLASSES = {"a": 7, "b": 23, "c": 5, "d": 11, "e": 6}
labels = [label for label, count in CLASSES.items() for _ in range(count)]

folds = []
for count in (2, 3, 4, 5):
    splits = StratifiedKFold(count, shuffle=True, random_state=1).split(labels, labels)
    held_out = [Counter(labels[row] for row in test) for _, test in splits]
    folds.append({"folds": count, "held_out": [dict(sorted(c.items())) for c in held_out]})

groups = [row % 13 for row in range(60)]
group_splits = []
for fraction in (0.1, 0.25, 0.5, 0.9):
    split = GroupShuffleSplit(1, test_size=fraction, random_state=1)
    train, test = next(split.split(groups, groups=groups))
    counted = [len({groups[row] for row in part}) for part in (train, test)]
    group_splits.append({"fraction": fraction, "rest": counted[0], "held_out": counted[1]})

sizes = [int(x) for x in numpy.random.default_rng(1).lognormal(2.5, 0.6, 173)]
quantiles = {
    f"p{p}": int(numpy.percentile(sizes, p, method="inverted_cdf")) for p in (5, 25, 50, 75, 95, 99)
}
quantiles |= {"min": min(sizes), "max": max(sizes), "mean": float(numpy.mean(sizes))}

out = {
    "classes": CLASSES,
    "k_fold": folds,
    "groups": 13,
    "group_split": group_splits,
    "sizes": sizes,
    "quantiles": quantiles,
}
print(json.dumps(out, indent=1))
