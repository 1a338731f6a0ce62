"""Makes the stored reference of tests/it/generate: what `transformers` generates from a model whose logits
are a sum of two tables, of the last token and of the one before it.

    python make_generate.py

Made with torch 2.11.0 and transformers 5.24.0; writes generate.json beside itself.
"""

import json
import pathlib

import torch
from transformers import (
    GenerationConfig,
    GenerationMixin,
    LogitsProcessorList,
    MinPLogitsWarper,
    PreTrainedConfig,
    PreTrainedModel,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.modeling_outputs import CausalLMOutput

VOCABULARY = 24
PROMPTS = [[5], [3, 9, 4], [7, 7, 2, 11, 6], [1, 20, 1, 20, 1, 20, 13], [8, 23]]
BASE = {"max_new_tokens": 12, "eos_token_id": [0]}
CASES = {
    "greedy": {},
    "greedy without end": {"eos_token_id": []},
    "greedy, one token": {"max_new_tokens": 1},
    "greedy, several ends": {"eos_token_id": [0, 17, 4]},
    "greedy, at least five": {"eos_token_id": [0, 17, 4], "min_new_tokens": 5},
    "greedy, repetition penalty": {"repetition_penalty": 1.7},
    "greedy, repetition reward": {"repetition_penalty": 0.6},
    "greedy, no bigram twice": {"no_repeat_ngram_size": 2, "eos_token_id": []},
    "greedy, no token twice": {"no_repeat_ngram_size": 1, "eos_token_id": []},
    "greedy, forced": {"forced_bos_token_id": 19, "forced_eos_token_id": 0},
    "greedy, suppressed": {"suppress_tokens": [2, 3, 14], "begin_suppress_tokens": [0, 21, 5, 10]},
    "greedy, forced start and suppressed": {"forced_bos_token_id": 19, "begin_suppress_tokens": [0, 21, 5, 10, 12]},
    "greedy, all at once": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 3, "suppress_tokens": [6], "forced_eos_token_id": 0},
    "greedy, no token of the prompt": {"encoder_no_repeat_ngram_size": 1, "eos_token_id": []},
    "greedy, bad words": {"bad_words_ids": [[14], [3, 2], [7, 7, 2], [20, 1, 19]]},
    "beams, several ends": {"num_beams": 3, "eos_token_id": [0, 17, 4]},
    "beams without end": {"num_beams": 3, "eos_token_id": []},
    "beams, at least five": {"num_beams": 3, "min_new_tokens": 5, "eos_token_id": [0, 17]},
    "beams, repetition penalty": {"num_beams": 2, "repetition_penalty": 1.4},
    "beams, no bigram twice": {"num_beams": 4, "no_repeat_ngram_size": 2},
    "beams, no token twice": {"num_beams": 4, "no_repeat_ngram_size": 1},
    "beams, forced": {"num_beams": 3, "forced_bos_token_id": 19, "forced_eos_token_id": 0},
    "beams, suppressed": {"num_beams": 2, "suppress_tokens": [2, 3, 14], "begin_suppress_tokens": [0, 21, 5, 10]},
    "beams, no token of the prompt": {"num_beams": 3, "encoder_no_repeat_ngram_size": 1},
    "beams, bad words, normalised": {"num_beams": 3, "bad_words_ids": [[14], [3, 2], [21]], "renormalize_logits": True},
    "more beams than tokens": {"num_beams": 30, "length_penalty": 2.0},
}
for beams in (2, 3, 4):
    for penalty in (-1.0, 0.0, 1.0, 2.0):
        for early in (False, True, "never"):
            CASES[f"{beams} beams, {penalty}, {early}"] = {"num_beams": beams, "length_penalty": penalty, "early_stopping": early}

WARPERS = {
    "temperature": {"temperature": 0.7},
    "hot": {"temperature": 1.9},
    "top-k": {"top_k": 5},
    "top-k beyond the vocabulary": {"top_k": 100},
    "top-p": {"top_p": 0.8},
    "top-p of nothing": {"top_p": 0.0},
    "min-p": {"min_p": 0.1},
    "all": {"temperature": 1.5, "top_k": 12, "top_p": 0.9, "min_p": 0.05},
}


class Tables(PreTrainedModel, GenerationMixin):
    config_class = PreTrainedConfig
    main_input_name = "input_ids"

    def __init__(self, last, before):
        super().__init__(PreTrainedConfig(vocab_size=VOCABULARY, is_encoder_decoder=False, num_hidden_layers=1, hidden_size=1, num_attention_heads=1))
        self.last, self.before = torch.nn.Parameter(last), torch.nn.Parameter(before)
        self.generation_config = GenerationConfig()

    def forward(self, input_ids, **_):
        logits = self.last[input_ids]
        logits[:, 1:] = logits[:, 1:] + self.before[input_ids[:, :-1]]
        return CausalLMOutput(logits=logits)


def run(model, own):
    settings = {**BASE, **own}
    called = {name: value if value != [] else None for name, value in settings.items()}
    tokens, scores = [], []
    for prompt in PROMPTS:
        out = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False, use_cache=False,
            pad_token_id=VOCABULARY - 1, return_dict_in_generate=True, output_scores=True, **called,
        )
        continuation = out.sequences[0, len(prompt) :].tolist()
        tokens.append(continuation)
        if settings.get("num_beams", 1) > 1:
            scores.append(out.sequences_scores[0].item())
    return {"config": settings, "tokens": tokens, "scores": scores}


def warp(settings, logits):
    steps = LogitsProcessorList()
    for name, warper in (("temperature", TemperatureLogitsWarper), ("top_k", TopKLogitsWarper), ("top_p", TopPLogitsWarper), ("min_p", MinPLogitsWarper)):
        if name in settings:
            steps.append(warper(settings[name]))
    # JSON has no infinity; null stands for a token that is ruled out.
    return [[None if x == -float("inf") else x for x in row] for row in steps(None, logits).tolist()]


@torch.no_grad()
def main():
    generator = torch.Generator().manual_seed(5)
    draw = lambda rows, scale: torch.round(scale * torch.randn(rows, VOCABULARY, generator=generator), decimals=3)
    last, before, fixed = draw(VOCABULARY, 1.5), draw(VOCABULARY, 1.0), draw(3, 2.0)
    last[:, 0] += 1.0  # so that ends are reached
    model = Tables(last, before).eval()
    rounded = lambda table: [[round(x, 3) for x in row] for row in table.tolist()]
    last, before, fixed = (torch.tensor(rounded(table)) for table in (last, before, fixed))
    model.last.data, model.before.data = last, before
    reference = {
        "last": rounded(last),
        "before": rounded(before),
        "prompts": PROMPTS,
        "cases": {name: run(model, own) for name, own in CASES.items()},
        "logits": rounded(fixed),
        "warped": {name: {"sampling": own, "scores": warp(own, fixed)} for name, own in WARPERS.items()},
    }
    path = pathlib.Path(__file__).parent / "generate.json"
    path.write_text(json.dumps(reference) + "\n")


main()
