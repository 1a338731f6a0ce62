"""Spans put on the words and subwords of trained.json's tokenizer, and read back, by Hugging Face.

    python alignment.py            (transformers 5.23, tokenizers 0.23)

Writes alignment.json. Which tokens a word has and which characters a token stands for is what the
tokenizer says (word_ids, word_to_chars, token_to_chars), except that combining marks which it
strips count to what stands before them. The way back is TokenClassificationPipeline's grouping of
tags drawn by chance. Offsets count characters.
"""

import json
import pathlib
import random
import unicodedata

from transformers import PreTrainedTokenizerFast, TokenClassificationPipeline

here = pathlib.Path(__file__).parent
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(here / "trained.json"))
pipeline = object.__new__(TokenClassificationPipeline)
pipeline.tokenizer = tokenizer

TEXTS = [
    "查询订单12345的状态",
    "where is my ORDER 12345?",
    "我的 order 12345 在哪，想退款refund",
    "ＡＢＣ１２３ 订单，全角",
    "cafe\u0301 e\u0301clair na\u00efve order",
    "退款😀😀 order 👩\u200d💻谢谢 👨\u200d👩\u200d👧\u200d👦",
    "한국어 orders 주문",
    "refund\u3000my\torder  now\u200b!",
    "it's order-12345_a",
    "ｶﾞ か\u3099 が orders",
    "",
]
random.seed(22)


def tags(encoded, units, spans):
    """`units`: pairs of a token and its characters."""
    out = [None] * len(encoded["input_ids"])
    for token, _ in units:
        out[token] = "O"
    misaligned, used = [], set()
    for number, (start, end, label) in enumerate(spans):
        touched = [(t, c) for t, c in units if c[0] < end and c[1] > start]
        inside = all(start <= c[0] and c[1] <= end for _, c in touched)
        if not touched or not inside or used & {t for t, _ in touched}:
            misaligned.append(number)
            continue
        for place, (token, _) in enumerate(touched):
            used.add(token)
            out[token] = ("I-" if place else "B-") + label
    return {"tags": out, "misaligned": misaligned}


def with_marks(text, units):
    """`units` whose characters include the combining marks that no other unit has."""
    out = []
    for number, (token, (start, end)) in enumerate(units):
        limit = units[number + 1][1][0] if number + 1 < len(units) else len(text)
        while end < limit and unicodedata.category(text[end]).startswith("M"):
            end += 1
        out.append((token, (start, end)))
    return out


def grouped(units, drawn):
    entities = []
    for (token, (start, end)), tag in zip(units, drawn):
        entities.append({"entity": tag, "score": 1.0, "index": token, "word": "x", "start": start, "end": end})
    groups = pipeline.group_entities(entities) if entities else []
    return [(g["start"], g["end"], g["entity_group"]) for g in groups if g["entity_group"] != "O"]


cases = []
for text in TEXTS * 6:
    cuts = sorted(random.sample(range(len(text) + 1), min(len(text) + 1, random.randint(2, 6))))
    spans = [(a, b, random.choice("xy")) for a, b in zip(cuts, cuts[1:]) if random.random() < 0.7]
    e = tokenizer(text)
    words = [w for w in dict.fromkeys(e.word_ids()) if w is not None]
    tokens = [t for t, w in enumerate(e.word_ids()) if w is not None]
    first = with_marks(text, [(e.word_to_tokens(w)[0], tuple(e.word_to_chars(w))) for w in words])
    every = with_marks(text, [(t, tuple(e.token_to_chars(t))) for t in tokens])
    drawn = random.choices(["O", "B-x", "I-x", "B-y", "I-y"], k=len(tokens))
    by_token = dict(zip(tokens, drawn))
    cases.append({
        "text": text,
        "spans": spans,
        "first": tags(e, first, spans),
        "all": tags(e, every, spans),
        "drawn": [by_token.get(t, "O") for t in range(len(e["input_ids"]))],
        "grouped": grouped(every, drawn),
    })
(here / "alignment.json").write_text(
    "[" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "]\n", encoding="utf-8"
)
