"""How Hugging Face opens tokenizers that are shipped without a tokenizer.json, what it makes of texts, and back.

    python tokenizer_files.py                       (transformers 5.24, tokenizers 0.23, sentencepiece 0.2.1)
    python tokenizer_files.py --out DIR --corpus FILE [--vocab 4000]

Trains a tiny tokenizer of each kind and writes tokenizer_files/KIND/..., with cases.json in each: `text`, `ids` by
`split_special_tokens`, and what `decode` makes of the ids with and without special tokens. With --corpus, a text a
line, the tokenizers are as large as asked, SentencePiece's with its normaliser map nmt_nfkc, and cases are its first
500 lines; the test reads them from the folder that TOKENIZER_FILES names.
"""

import argparse
import json
import pathlib
import random
import re
import shutil

import sentencepiece
import tokenizers
import transformers
from tokenizers import models, pre_tokenizers, trainers

here = pathlib.Path(__file__).parent
parser = argparse.ArgumentParser()
parser.add_argument("--out", type=pathlib.Path, default=here / "tokenizer_files")
parser.add_argument("--corpus", type=pathlib.Path)
parser.add_argument("--vocab", type=int, default=4000)
args = parser.parse_args()

OWN = [
    "Where is my order 12345? I can't find it.",
    "I'd like a refund, please! (It's late.)",
    "帮我查一下订单12345的状态，谢谢！",
    "退款什么时候到账？已经三天了。",
    "My parcel arrived broken, it isn't what we've ordered",
    "请问怎么修改收货地址",
    "The café's naïve reply: we'll  call you   back",
    "订单AB1234已发货，快递单号是SF987654321",
]
AWKWARD = [
    "", " ", "  two  spaces ", "a\nb", "a \n b\n", "it'\nfoo", "end.\n", "ＡＢＣ　１２３", "ﬁne ½ ①", "e\u0301clair cafe\u0301",
    "😀😀 ok", "한국어", "\u200bzero", "``quoted'' text", "tab\there", "don't DO N'T 's", "a.b,c!d?e(f)g'h", "汉字 abc汉字",
    "x" * 40, "▁under▁bar", "SEP user", "<0x41>", "@@ at@@", "__newln__", "İstanbul ΣΑΣ", "1,2,3", "🧑‍💻👍🏽",
]
large = args.corpus is not None
corpus = args.corpus.read_text(encoding="utf-8").splitlines() if large else OWN * 8
texts = (corpus[:500] if large else OWN) + AWKWARD


def byte_level(folder, special, pre=None):
    size = args.vocab if large else 340
    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre or pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    model.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet))
    model.model.save(str(folder))


def blenderbot_small(folder):
    model = tokenizers.Tokenizer(models.BPE(unk_token="__unk__", end_of_word_suffix="</w>"))
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words = [re.sub("(')", r" \1 ", re.sub("([.,!?()])", r" \1", text)).lower() for text in corpus] + ["__newln__"] * 9
    special = ["__null__", "__start__", "__end__", "__unk__"]
    size = args.vocab if large else 300
    model.train_from_iterator(words, trainers.BpeTrainer(vocab_size=size, special_tokens=special, end_of_word_suffix="</w>"))
    model.model.save(str(folder))
    entries = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    renamed = {}
    for piece, _ in sorted(entries.items(), key=lambda entry: entry[1]):
        name = piece if piece in special else piece[:-4] if piece.endswith("</w>") else piece + "@@"
        renamed.setdefault(name, len(renamed))
    # A piece that merges make and the vocabulary lacks.
    renamed = {name: id for id, name in enumerate(name for name in renamed if name != "order@@")}
    dump(folder / "vocab.json", renamed)


def dump(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def sentence_piece(path, **options):
    lines = path.with_suffix(".txt")
    lines.write_text("\n".join(corpus), encoding="utf-8")
    if large:
        options.setdefault("normalization_rule_name", "nmt_nfkc")
    else:
        rules = path.with_suffix(".tsv")
        pairs = [("ＡＢＣ"[i], "ABC"[i]) for i in range(3)] + [("　", " "), ("ﬁ", "fi"), ("½", "1/2"), ("e\u0301", "é"), ("\t", " ")]
        rules.write_text("".join(f"{' '.join(f'{ord(c):X}' for c in a)}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in pairs))
        options["normalization_rule_tsv"] = str(rules)
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(path.with_suffix("")), vocab_size=args.vocab if large else options.pop("size", 260),
        hard_vocab_limit=False, character_coverage=0.9995, minloglevel=2, **{k: v for k, v in options.items() if k != "size"}
    )
    path.with_suffix(".model").rename(path)
    for extra in (".txt", ".tsv", ".vocab"):
        path.with_suffix(extra).unlink(missing_ok=True)


def marian(folder):
    half = [text for text in corpus if re.search("[a-z]", text)]
    sentence_piece(folder / "source.spm")
    sentence_piece(folder / "target.spm", size=200)
    pieces = ["</s>", "<unk>", ">>cmn<<", ">>eng<<"]
    for name in ("source.spm", "target.spm"):
        model = sentencepiece.SentencePieceProcessor(str(folder / name))
        pieces += [model.id_to_piece(id) for id in range(model.get_piece_size())]
    random.Random(1).shuffle(pieces[4:])
    pieces = [piece for piece in dict.fromkeys(pieces) if piece not in ("<s>", "▁is")] + ["한국어", "<pad>"]
    dump(folder / "vocab.json", {piece: id for id, piece in enumerate(pieces)})


def config(folder, kind, **fields):
    dump(folder / "tokenizer_config.json", {"tokenizer_class": kind, **fields})


QWEN = pre_tokenizers.Sequence([
    pre_tokenizers.Split(tokenizers.Regex(transformers.models.qwen2.tokenization_qwen2.PRETOKENIZE_REGEX), "isolated"),
    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
])
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make(kind, folder):
    if kind == "gpt2":  # as DialoGPT: nothing but its config.json tells the family
        byte_level(folder, ["<|endoftext|>"])
        dump(folder / "config.json", {"model_type": "gpt2"})
        return transformers.GPT2Tokenizer
    if kind == "roberta":
        byte_level(folder, ROBERTA)
        config(folder, "RobertaTokenizer")
        return transformers.RobertaTokenizer
    if kind == "bart":
        byte_level(folder, ROBERTA)
        dump(folder / "special_tokens_map.json", {"mask_token": {"content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}})
        config(folder, "BartTokenizerFast", add_prefix_space=True)
        return transformers.BartTokenizer
    if kind == "blenderbot":
        byte_level(folder, ["<s>", "<pad>", "</s>", "<unk>"])
        dump(folder / "added_tokens.json", {"<mask>": 340})
        config(folder, "BlenderbotTokenizer")
        return transformers.BlenderbotTokenizer
    if kind == "qwen2":
        byte_level(folder, [], QWEN)
        decoder = {str(340 + i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": s}
                   for i, (t, s) in enumerate([("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<tool_call>", False)])}
        config(folder, "Qwen2Tokenizer", added_tokens_decoder=decoder, eos_token="<|im_end|>", pad_token="<|endoftext|>", additional_special_tokens=["<|im_start|>", "<|im_end|>"])
        return transformers.Qwen2Tokenizer
    if kind == "blenderbot_small":
        blenderbot_small(folder)
        dump(folder / "config.json", {"model_type": "blenderbot-small"})
        return transformers.BlenderbotSmallTokenizer
    if kind == "xlm_roberta":
        sentence_piece(folder / "sentencepiece.bpe.model")
        config(folder, "XLMRobertaTokenizer")
        return transformers.XLMRobertaTokenizer
    if kind == "albert":
        sentence_piece(folder / "spiece.model", pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols="[CLS],[SEP]", user_defined_symbols="(,),[MASK]")
        config(folder, "AlbertTokenizer")
        return transformers.AlbertTokenizer
    if kind == "llama":
        sentence_piece(folder / "tokenizer.model", model_type="bpe", byte_fallback=True, size=520, remove_extra_whitespaces=False, **({"normalization_rule_name": "identity"} if large else {}))
        config(folder, "LlamaTokenizer", add_bos_token=True, add_eos_token=False, legacy=False)
        return transformers.LlamaTokenizer
    if kind == "llama_legacy":
        shutil.copy(args.out / "llama" / "tokenizer.model", folder)
        config(folder, "LlamaTokenizerFast", legacy=True, bos_token={"__type": "AddedToken", "content": "<s>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False})
        return transformers.LlamaTokenizer
    if kind == "unigram":
        sentence_piece(folder / "tokenizer.model", user_defined_symbols="SEP,①", byte_fallback=True, size=520)
        config(folder, "TokenizersBackend", clean_up_tokenization_spaces=True)
        return transformers.PreTrainedTokenizerFast
    if kind == "bpe":
        sentence_piece(folder / "tokenizer.model", model_type="bpe", user_defined_symbols="SEP,①", add_dummy_prefix=False)
        config(folder, "TokenizersBackend")
        return transformers.PreTrainedTokenizerFast
    marian(folder)
    config(folder, "MarianTokenizer", source_lang="eng", target_lang="cmn")
    return transformers.MarianTokenizer


KINDS = ["gpt2", "roberta", "bart", "blenderbot", "qwen2", "blenderbot_small", "xlm_roberta", "albert", "llama", "llama_legacy", "unigram", "bpe", "marian"]
if args.out.exists():
    shutil.rmtree(args.out)
for kind in KINDS:
    folder = args.out / kind
    folder.mkdir(parents=True)
    tokenizer = make(kind, folder).from_pretrained(folder)
    cases = []
    own = texts + ([">>cmn<< Where is it?", ">>cmn<<", ">>xyz<< no", "at >>cmn<< end"] if kind == "marian" else [])
    for text in own:
        tokenizer.split_special_tokens = True
        ids = tokenizer(text, split_special_tokens=True)["input_ids"]
        cases.append({"text": text, "ids": ids, "whole": tokenizer.decode(ids), "bare": tokenizer.decode(ids, skip_special_tokens=True)})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (folder / "cases.json").write_text(f"[{lines}]\n", encoding="utf-8")
    print(kind, type(tokenizer).__name__, len(tokenizer), cases[0]["ids"], repr(cases[0]["whole"]))
