"""Makes the stored references of the tokenizers of tests/it/gguf/tokenizers.rs: small GGUF files without weights, and
what llama.cpp makes of texts with each: as a `prompt`, in which special tokens are written out, and as a `whole`, which
they are put around.

    python make_gguf_tokenizers.py

Made with gguf 0.19.0, tokenizers 0.23, sentencepiece 0.2 and llama_cpp 0.3.36; writes gguf_tokenizers/ beside itself. The
vocabularies are trained on a few sentences.
"""

import json
import pathlib
import shutil
import tempfile

import gguf
import llama_cpp
import sentencepiece
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).parent / "gguf_tokenizers"
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
CORPUS = [
    "Where is my order 12345? I can't find it.",
    "I'd like a refund, please! (It's late.)",
    "帮我查一下订单12345的状态，谢谢！",
    "退款什么时候到账？已经三天了。",
    "My parcel arrived broken, it isn't what we've ordered",
    "The café's naïve reply: we'll  call you   back",
] * 8
TEXTS = [
    "", " ", "  ", "a", " a", "a ", "  two  spaces  ", "three   spaces", "\n", "a\nb", "a\n\n b \n", " \n \n x", "tab\there",
    "12", "12345678", "3.14 1,000", "½ ①", "I can't, we'll, it's, they'd, don't, I'm, you've", "DON'T IT'S", "'s 't", "o’clock",
    "我的订单12345在哪里？", "退款什么时候到账", "汉字 abc汉字", "😀", "😀😀 ok 👍🏽 🧑‍💻", "한국어 ありがとう", "e\u0301 café", "naïve",
    "\u200bzero", "a.b,c!d?e(f)g'h", "!!!...", "x" * 30, "▁under▁bar", "ＡＢＣ　１２３", "where is my parcel?", "the order arrived broken\r\n",
    "<|end|>", "a<|end|>b", " <|end|> ", "<|end|><|end|>\n", "<|begin|>a", "<tool> a <tool>", "<0x41>", "<s>a</s>", "<|end", "\u00a0nbsp",
]
SPECIAL = ["<|begin|>", "<|end|>"]


def byte_pairs():
    model = tokenizers.Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    model.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=360, special_tokens=SPECIAL, initial_alphabet=alphabet))
    saved = json.loads(model.to_str())["model"]
    tokens = sorted(saved["vocab"], key=saved["vocab"].get) + ["<tool>"]
    types = [CONTROL if token in SPECIAL else USER if token == "<tool>" else NORMAL for token in tokens]
    return tokens, types, [" ".join(merge) for merge in saved["merges"]]


def writer_of(name, model):
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", "llama")
    writer.add_tokenizer_model(model)
    return writer


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_byte_pairs(pre):
    tokens, types, merges = byte_pairs()
    writer = writer_of(pre, "gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(pre == "llama-bpe")
    close(writer)


def write_sentence_piece():
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "lines.txt"
        lines.write_text("\n".join(CORPUS), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(lines), model_prefix=f"{folder}/m", model_type="bpe", byte_fallback=True, vocab_size=420, minloglevel=2,
            normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.99, hard_vocab_limit=False,
        )
        model = sentencepiece.SentencePieceProcessor(f"{folder}/m.model")
    ids = range(model.get_piece_size())
    kind = lambda id: BYTE if model.is_byte(id) else CONTROL if model.is_control(id) else UNKNOWN if model.is_unknown(id) else NORMAL
    writer = writer_of("llama", "llama")
    writer.add_token_list([model.id_to_piece(id) for id in ids] + SPECIAL + ["<tool>"])
    writer.add_token_scores([model.get_score(id) for id in ids] + [-1000.0] * 3)
    writer.add_token_types([kind(id) for id in ids] + [CONTROL, CONTROL, USER])
    writer.add_bos_token_id(model.bos_id())
    writer.add_eos_token_id(model.eos_id())
    writer.add_unk_token_id(model.unk_id())
    close(writer)


def cases(name):
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(OUT / f"{name}.gguf").encode(), params)
    vocab = llama_cpp.llama_model_get_vocab(model)
    ids = (llama_cpp.llama_token * 512)()

    def tokenize(text, whole):
        text = text.encode()
        count = llama_cpp.llama_tokenize(vocab, text, len(text), ids, len(ids), whole, not whole)
        return ids[:count]

    return [{"text": text, "prompt": tokenize(text, False), "whole": tokenize(text, True)} for text in TEXTS]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    names = ["gpt-2", "llama-bpe"]
    for name in names:
        write_byte_pairs(name)
    write_sentence_piece()
    for name in [*names, "llama"]:
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases(name))
        (OUT / f"{name}.json").write_text(f"[{lines}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
