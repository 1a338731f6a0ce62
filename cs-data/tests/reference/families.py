"""Small tokenizers as RoBERTa, XLM-R, ALBERT and DistilBERT ship them, and what they make of texts.

    python families.py            (transformers 5.24, tokenizers 0.22, sentencepiece 0.2.1)

Writes families/*.json and families.json: for each tokenizer and text the ids, and the characters
and the pre-tokenizer's word of each token (null for special ones). Offsets count characters. The
variants of RoBERTa's differ from it in a setting, which the test sets. The tests of other crates
use the tokenizers too.
"""

import json
import logging
import pathlib
import tempfile

import sentencepiece
from tokenizers import ByteLevelBPETokenizer, BertWordPieceTokenizer
from transformers import AlbertTokenizer, DistilBertTokenizer, RobertaTokenizer, XLMRobertaTokenizer
from transformers.convert_slow_tokenizer import import_protobuf

HERE = pathlib.Path(__file__).parent
CORPUS = [
    "查询订单12345的状态",
    "我的订单在哪，想退款",
    "订单A1024还没到，请退款到支付宝",
    "where is my order 12345?",
    "my refund is late, please help",
    "I want a refund for order A1024",
    "where are my orders, it's late",
    "退款 refund 订单 order 状态 status",
] * 4
TEXTS = [
    "查询订单12345的状态",
    "where is my ORDER 12345?",
    "我的 order A1024 在哪，想退款refund",
    "  two  spaces\tand a tab ",
    "it's order-12345_a, isn't it?",
    "ＡＢＣ１２３　订单，全角",
    "cafe\u0301 naïve Ångström",
    "退款😀😀 order 👩\u200d💻谢谢",
    "한국어 orders 주문 Москва",
    "支付宝",
    "order",
    "refund\n\n订单",
    "A Ġ ▁ 1",
    "",
]


def roberta(**options):
    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trained.train_from_iterator(CORPUS, vocab_size=330, min_frequency=2, special_tokens=special, show_progress=False)
    state = json.loads(trained.to_str())["model"]
    vocab = state["vocab"] | {"<mask>": len(state["vocab"])}
    merges = [tuple(merge) for merge in state["merges"]]
    return RobertaTokenizer(vocab=vocab, merges=merges, **options)


def unigram(size, lower):
    """Pieces with scores, and a table that makes full-width characters plain ones."""
    rules = [(char, char - 0xFEE0) for char in range(0xFF01, 0xFF5F)] + [(0x3000, 0x20)]
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder, "rules.tsv")
        table.write_text("".join(f"{a:X}\t{b:X}\n" for a, b in rules))
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([line.lower() if lower else line for line in CORPUS]),
            model_prefix=f"{folder}/m", vocab_size=size, normalization_rule_tsv=str(table),
            hard_vocab_limit=False, minloglevel=2,
        )
        model = import_protobuf().ModelProto()
        model.ParseFromString(pathlib.Path(folder, "m.model").read_bytes())
    pieces = [(piece.piece, round(piece.score, 4)) for piece in model.pieces[3:]]
    return pieces, model.normalizer_spec.precompiled_charsmap


def xlm_roberta():
    pieces, table = unigram(110, lower=False)
    special = [(token, 0.0) for token in ["<s>", "<pad>", "</s>", "<unk>"]]
    return XLMRobertaTokenizer(vocab=special + pieces + [("<mask>", 0.0)], _spm_precompiled_charsmap=table)


def albert():
    pieces, table = unigram(100, lower=True)
    special = [(token, 0.0) for token in ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]]
    return AlbertTokenizer(vocab=special + pieces, _spm_precompiled_charsmap=table)


def distilbert():
    trained = BertWordPieceTokenizer()
    trained.train_from_iterator(CORPUS, vocab_size=120, min_frequency=2, show_progress=False)
    return DistilBertTokenizer(vocab=trained.get_vocab())


def encode(tokenizer, text):
    encoding = tokenizer._tokenizer.encode(text)
    inserted = encoding.special_tokens_mask
    places = zip(encoding.offsets, encoding.word_ids, inserted)
    tokens = [None if special else [*offsets, word] for offsets, word, special in places]
    return {"ids": encoding.ids, "tokens": tokens}


def main():
    tokenizers = {
        "roberta": roberta(),
        "roberta_prefix_space": roberta(add_prefix_space=True),
        "roberta_untrimmed": roberta(trim_offsets=False),
        "xlm_roberta": xlm_roberta(),
        "albert": albert(),
        "distilbert": distilbert(),
    }
    (HERE / "families").mkdir(exist_ok=True)
    cases = {"texts": TEXTS}
    for name, tokenizer in tokenizers.items():
        if not name.startswith("roberta_"):
            file = json.loads(tokenizer._tokenizer.to_str())
            line = json.dumps(file, ensure_ascii=False, separators=(",", ":"))
            (HERE / "families" / f"{name}.json").write_text(line + "\n", encoding="utf-8")
        cases[name] = [encode(tokenizer, text) for text in TEXTS]
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in cases.items())
    (HERE / "families.json").write_text("{" + lines + "}\n", encoding="utf-8")


logging.getLogger("transformers").setLevel(logging.ERROR)
main()
