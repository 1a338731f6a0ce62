"""Makes the stored references of tests/it/seq2seq: tiny random encoder-decoders by Hugging Face transformers,
their logits for a few pairs of a source and a target, and what they generate from the sources, greedily and by
beam search as their generation_config.json says. One source at a time, therefore without padding. The Marian has a
tokenizer as well, that of cs-data's tests, and what it translates some texts into.

    python make_seq2seq.py

Made with torch 2.11.0, transformers 5.24.0, sentencepiece 0.2.1 and safetensors; writes seq2seq/ beside itself.
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BlenderbotConfig,
    BlenderbotForConditionalGeneration,
    BlenderbotSmallConfig,
    BlenderbotSmallForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
)

HERE = pathlib.Path(__file__).parent / "seq2seq"
TOKENIZER = pathlib.Path(__file__).parents[3] / "cs-data/tests/reference/tokenizer_files/marian"
TEXTS = ["Where is my order 12345?", "我要退款", "a", "订单12345什么时候到？谢谢！" * 4, "I'd like a refund, please!"]
SOURCES = [5, 1, 9, 5, 14, 3, 30, 9]
TARGETS = [3, 7, 1, 3, 12, 24, 2, 9]
SIZES = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": 32,
}
# The settings are those that the families' published folders have.
BART = {"num_beams": 4, "no_repeat_ngram_size": 3, "early_stopping": True, "forced_bos_token_id": 0, "forced_eos_token_id": 2, "length_penalty": 2.0, "max_length": 24, "min_length": 5}
BLENDERBOT = {"num_beams": 4, "no_repeat_ngram_size": 3, "encoder_no_repeat_ngram_size": 3, "forced_eos_token_id": 2, "length_penalty": 0.65, "max_length": 24, "min_length": 8}


def marian(pad):
    return {"num_beams": 4, "bad_words_ids": [[pad]], "forced_eos_token_id": 0, "decoder_start_token_id": pad, "renormalize_logits": True, "max_length": 24}


FAMILIES = {
    "bart": (BartForConditionalGeneration, BartConfig(vocab_size=96, **SIZES), BART),
    "blenderbot": (BlenderbotForConditionalGeneration, BlenderbotConfig(vocab_size=90, scale_embedding=True, **SIZES), BLENDERBOT),
    "blenderbot_small": (BlenderbotSmallForConditionalGeneration, BlenderbotSmallConfig(vocab_size=90, activation_function="gelu", **SIZES), BLENDERBOT),
    "marian": (
        MarianMTModel,
        MarianConfig(vocab_size=120, pad_token_id=119, decoder_start_token_id=119, scale_embedding=True, activation_function="swish", **SIZES),
        marian(119) | {"no_repeat_ngram_size": 2},  # so that texts are more than one word over and over
    ),
    "marian_separate": (
        MarianMTModel,
        MarianConfig(
            vocab_size=70, decoder_vocab_size=60, pad_token_id=59, decoder_start_token_id=59, scale_embedding=True, activation_function="relu",
            share_encoder_decoder_embeddings=False, **{**SIZES, "encoder_layers": 1, "decoder_layers": 1},
        ),
        marian(59),
    ),
}
# What is added to the logit of the end, so that some sequences end early and others do not.
ENDS = {"bart": 1.4, "blenderbot": 2.0, "blenderbot_small": 0.0, "marian": 1.2, "marian_separate": 0.5}


def spread(model):
    """Larger weights than at a training's start, so that attention is far from uniform and what is generated varies."""
    for name, parameter in model.named_parameters():
        if "embed_positions" in name and not parameter.requires_grad:
            continue  # sinusoids
        scale = 0.1 if "bias" in name or "norm" in name else 0.2 if "embed_tokens" in name or "shared" in name else 0.6
        parameter.data = parameter.data + scale * torch.randn_like(parameter)
    model.final_logits_bias.data = 0.3 * torch.randn_like(model.final_logits_bias)


def translate(model, folder):
    """Texts, the last tokens of those that are too long cut off, and their translations."""
    for name in ("source.spm", "target.spm", "vocab.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZER / name, folder / name)
    tokenizer = MarianTokenizer.from_pretrained(folder)
    found = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=SIZES["max_position_embeddings"]).input_ids
        found.append({"text": text, "translation": tokenizer.decode(generate(model, ids)[0], skip_special_tokens=True)})
    return found


def generate(model, source, **settings):
    out = model.generate(torch.tensor([source]), attention_mask=torch.ones(1, len(source), dtype=torch.long), do_sample=False, return_dict_in_generate=True, output_scores=True, **settings)
    score = [out.sequences_scores[0].item()] if out.get("sequences_scores") is not None else []
    return out.sequences[0, 1:].tolist(), score  # without the token that the decoder starts with


@torch.no_grad()
def main():
    for number, (name, (family, config, generation)) in enumerate(FAMILIES.items()):
        torch.manual_seed(number + 1)
        model = family(config).eval()
        spread(model)
        model.generation_config.update(**generation)
        eos = model.generation_config.eos_token_id
        model.final_logits_bias.data[0, eos] += ENDS[name]
        words = min(config.vocab_size, getattr(config, "decoder_vocab_size", None) or config.vocab_size) - 1
        draw = lambda length: torch.randint(3, words, (length,)).tolist()
        sources = [[*draw(length - 1), eos] for length in SOURCES]
        targets = [[config.decoder_start_token_id, *draw(length - 1)] for length in TARGETS]
        logits = [
            model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target])).logits[0]
            for source, target in zip(sources, targets)
        ]
        beams = [generate(model, source) for source in sources]
        greedy = {"num_beams": 1, "length_penalty": 1.0, "early_stopping": False}
        inputs = {
            "sources": sources,
            "targets": targets,
            "beams": [tokens for tokens, _ in beams],
            "scores": [score for _, (score,) in beams],
            "greedy": [generate(model, source, **greedy)[0] for source in sources],
        }
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        save_file({"logits": torch.cat(logits)}, folder / "expected.safetensors")
        if name == "marian":
            inputs["translations"] = translate(model, folder)
        (folder / "inputs.json").write_text(json.dumps(inputs) + "\n")
        print(name, [len(t) for t in inputs["beams"]], [len(t) for t in inputs["greedy"]], len({tuple(t) for t in inputs["beams"]}))


main()
