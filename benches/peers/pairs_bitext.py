#!/usr/bin/env python3
"""Pairs of Bitext's rows for `route --pairs` and `--held-out`: rows of one intent that name the same kind of thing are
its variants of one question, rows of another intent are not.

    pairs_bitext.py with_entities_and_responses_4514.csv OUT

Half of the sentences, by their hash, are for fitting, and the other half is held out. Writes OUT/fit.jsonl and
OUT/held-out.jsonl (6,000 pairs each, half of which ask the same), and OUT/train.jsonl, labelled rows of the first half
for a light model.
"""
import csv
import hashlib
import json
import random
import sys
from pathlib import Path


def rows(path):
    """Each sentence once: with its intent and, for `{}`, the kind of entity that it names."""
    seen = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            text, kind = row["instruction"].strip(), row["entity_type"]
            if kind:
                start, end = int(row["start_offset"]), int(row["end_offset"])
                text = text[:start] + "{}" + text[end:]
            seen[text] = (text, row["intent"], kind, row["entity_value"])
    return list(seen.values())


def pairs(rows, seed, count=6000):
    """As many that ask the same as that do not; both sentences of a pair name the same thing."""
    chance = random.Random(seed)
    made = []
    while len(made) < count:
        one, same = chance.choice(rows), len(made) % 2 == 0
        others = [row for row in rows if row[2] == one[2] and (row[1] == one[1]) == same and row[0] != one[0]]
        if others:
            other = chance.choice(others)
            texts = [text.replace("{}", one[3]) for text in (one[0], other[0])]
            made.append({"one": texts[0], "other": texts[1], "same": same})
    return made


def main(source, out):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    halves = [[], []]
    for row in rows(source):
        halves[hashlib.sha256(row[0].lower().encode()).digest()[0] % 2].append(row)
    train = [{"text": text.replace("{}", value), "intent": intent} for text, intent, _, value in halves[0]]
    for name, lines in (("fit", pairs(halves[0], 1)), ("held-out", pairs(halves[1], 2)), ("train", train)):
        with open(out / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


main(*sys.argv[1:])
