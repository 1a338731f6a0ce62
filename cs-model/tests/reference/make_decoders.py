"""Makes the stored references of tests/it/decoders.rs: a tiny random decoder of each family by Hugging Face
transformers, with its logits and what it generates for a few prompts, one by one and therefore without padding;
and, with the weights of one, the logits under each scaling of rotary positions.

    python make_decoders.py

Made with torch 2.11.0, transformers 5.24.0 and safetensors; writes decoders/ beside itself.
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

HERE = pathlib.Path(__file__).parent / "decoders"
VOCAB = 61
LENGTHS = [5, 1, 9, 5, 13, 3, 24]
NEW = 15

LLAMA = dict(
    vocab_size=VOCAB,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=48,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
FAMILIES = {
    "gpt2": GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCAB, n_positions=48, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2
        )
    ),
    "llama": LlamaForCausalLM(LlamaConfig(**LLAMA, attention_bias=True, mlp_bias=True)),
    "qwen2": Qwen2ForCausalLM(Qwen2Config(**LLAMA, tie_word_embeddings=True)),
    "qwen3": Qwen3ForCausalLM(Qwen3Config(**LLAMA, head_dim=6)),
}
SCALINGS = {
    "linear": dict(rope_type="linear", factor=4.0),
    "dynamic": dict(rope_type="dynamic", factor=4.0),
    "llama3": dict(
        rope_type="llama3",
        factor=8.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=16,
    ),
    "yarn": dict(rope_type="yarn", factor=3.0, original_max_position_embeddings=16),
    "yarn_weighted": dict(
        rope_type="yarn",
        factor=3.0,
        original_max_position_embeddings=16,
        beta_fast=4.0,
        beta_slow=0.5,
        mscale=1.2,
        mscale_all_dim=0.7,
        truncate=False,
    ),
}


def prompts():
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(3, VOCAB, (1, length), generator=generator) for length in LENGTHS]


def spread(model):
    """Larger weights than at a training's start, so that attention is far from uniform, and ends come."""
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        scale = 0.1 if "bias" in name or "norm" in name or "ln_" in name else 0.3
        parameter.data = parameter.data + scale * torch.randn_like(parameter)
    return model.eval()


def logits(model):
    with torch.no_grad():
        return torch.cat([model(prompt).logits[0] for prompt in prompts()]).contiguous()


def generated(model, **settings):
    found = []
    for prompt in prompts():
        mask = torch.ones_like(prompt)
        tokens = model.generate(
            prompt, attention_mask=mask, max_new_tokens=NEW, do_sample=False, pad_token_id=0, **settings
        )
        found.append(tokens[0, prompt.shape[1] :].tolist())
    return found


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for name, model in FAMILIES.items():
        spread(model)
        model.save_pretrained(HERE / name)
        save_file({"logits": logits(model)}, HERE / name / "expected.safetensors")
        beams = dict(num_beams=4, length_penalty=0.7, no_repeat_ngram_size=3, early_stopping=True)
        expected = {
            "prompts": [prompt[0].tolist() for prompt in prompts()],
            "greedy": generated(model),
            "beams": generated(model, **beams),
        }
        (HERE / name / "expected.json").write_text(json.dumps(expected) + "\n")
    scaled = {}
    for name, parameters in SCALINGS.items():
        parameters = {"rope_theta": 100.0} | parameters
        config = LlamaConfig(**LLAMA, attention_bias=True, mlp_bias=True, rope_parameters=parameters)
        model = LlamaForCausalLM(config)
        model.load_state_dict(FAMILIES["llama"].state_dict())
        # The last prompt alone: it reaches beyond the length before the scaling.
        with torch.no_grad():
            scaled[name] = model.eval()(prompts()[-1]).logits[0].contiguous()
        (HERE / f"rope_{name}.json").write_text(json.dumps(parameters) + "\n")
    save_file(scaled, HERE / "scaled.safetensors")


main()
