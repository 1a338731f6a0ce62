"""What Hugging Face's BertTokenizerFast makes of texts with a small vocabulary.

    python bert_vocab.py            (transformers 5.23, tokenizers 0.23)

Writes vocab.txt and bert_vocab.json. Offsets there count characters. Special tokens in a text are text.
"""

import json
import pathlib

from transformers import BertTokenizerFast

here = pathlib.Path(__file__).parent
special = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
pieces = (
    list("查询订单状态的我在哪你好退款号,.!?，。？！-_#'") + list("abcdefghijklmnopqrstuvwxyz0123456789")
    + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789单"]
    + ["order", "where", "is", "my", "refund", "##fund", "re", "cafe", "12", "##34", "ＡＢ", "ア", "##イ"]
)
vocab = special + list(dict.fromkeys(pieces))
(here / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")

TEXTS = [
    "查询订单12345的状态",
    "Where is my ORDER-1234?",
    "你好，我的refund在哪？！",
    "café naïve Ｃａｆｅ́ e\u0301clair",
    "emoji 😀👩‍👩‍👧 查😀询",
    "全角：ＡＢＣ１２３，。",
    "  spaces\t and\nlines\u3000here\u00a0too  ",
    "zero\u200bwidth and \ufeffmark and \u00adsoft",
    "アイ アイウ 한국어 order",
    "don't stop_me-now #1",
    "[MASK] and [SEP] in [text] [UNK]",
    "x" * 101 + " " + "a" * 100,
    "",
    " ",
    "İstanbul ﬁne ß ǅ",
    "𠀀𪜀 订单",
]

cases = []
for lower in (True, False):
    tokenizer = BertTokenizerFast(vocab=str(here / "vocab.txt"), do_lower_case=lower)
    for text in TEXTS:
        e = tokenizer(text, return_offsets_mapping=True, split_special_tokens=True)
        words = e.word_ids()
        offsets = [list(o) for o in e["offset_mapping"]]
        cases.append({"lower": lower, "text": text, "ids": e["input_ids"], "words": words, "offsets": offsets})
(here / "bert_vocab.json").write_text(
    "[" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "]\n", encoding="utf-8"
)
