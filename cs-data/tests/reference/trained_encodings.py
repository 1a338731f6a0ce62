"""How Hugging Face opens and applies trained.json, which the test of this crate wrote.

    python trained_encodings.py            (transformers 5.23, tokenizers 0.23)

Writes trained_encodings.json. Offsets there count characters. Special tokens in a text are text.
"""

import json
import pathlib

from transformers import PreTrainedTokenizerFast

here = pathlib.Path(__file__).parent
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(here / "trained.json"))
texts = [case["text"] for case in json.loads((here / "bert_vocab.json").read_text(encoding="utf-8"))]
cases = []
for text in dict.fromkeys(texts):
    e = tokenizer(text, return_offsets_mapping=True, split_special_tokens=True)
    offsets = [list(o) for o in e["offset_mapping"]]
    cases.append({"text": text, "ids": e["input_ids"], "words": e.word_ids(), "offsets": offsets})
(here / "trained_encodings.json").write_text(
    "[" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "]\n", encoding="utf-8"
)
