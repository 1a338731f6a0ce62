"""Makes the stored references of tests/it/gguf/mod.rs, and of cs-quant's: the decoders of decoders/ as GGUF files, a small
Llama in Q4_0, and a block of each type of numbers with what the package `gguf` reads from it.

    python make_gguf.py

Made with gguf 0.19.0, numpy and safetensors; writes gguf/ beside itself.
"""

import json
import pathlib
import shutil

import gguf
import numpy
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
OUT = HERE / "gguf"
RNG = numpy.random.default_rng(7)
# Where a block has f16 scales: random bits would be as large as f16 can be, or no number.
SCALES = {
    Type.Q4_0: [0],
    Type.Q4_1: [0, 2],
    Type.Q5_0: [0],
    Type.Q5_1: [0, 2],
    Type.Q8_0: [0],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
}
NAMES = {
    "embed_tokens": "token_embd",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "norm": "output_norm",
    "lm_head": "output",
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "ln_f": "output_norm",
}


def renamed(name):
    """`model.layers.0.mlp.up_proj.weight` as `blk.0.ffn_up.weight`."""
    for prefix in ("model.", "transformer."):
        name = name.removeprefix(prefix)
    layer = ""
    for prefix in ("layers.", "h."):
        if name.startswith(prefix):
            number, name = name.removeprefix(prefix).split(".", 1)
            layer = f"blk.{number}."
    module, part = name.rsplit(".", 1)
    return f"{layer}{NAMES[module]}.{part}"


def pairs_side_by_side(rows, heads):
    """The order of llama.cpp's `llama`: numbers that are turned together follow each other."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def converted(name, tensor, config):
    family = config["model_type"]
    if family == "llama" and ".q_proj." in name:
        return pairs_side_by_side(tensor, config["num_attention_heads"])
    if family == "llama" and ".k_proj." in name:
        return pairs_side_by_side(tensor, config["num_key_value_heads"])
    if family == "gpt2" and ".c_" in name and name.endswith("weight"):
        return numpy.ascontiguousarray(tensor.T)
    return tensor


def write_model(path, config, tensors, of=Type.F32):
    family = config["model_type"]
    writer = gguf.GGUFWriter(path, family)
    if family == "gpt2":
        writer.add_embedding_length(config["n_embd"])
        writer.add_block_count(config["n_layer"])
        writer.add_head_count(config["n_head"])
        writer.add_context_length(config["n_positions"])
        writer.add_feed_forward_length(config["n_inner"] or 4 * config["n_embd"])
        writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    else:
        writer.add_embedding_length(config["hidden_size"])
        writer.add_block_count(config["num_hidden_layers"])
        writer.add_head_count(config["num_attention_heads"])
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_context_length(config["max_position_embeddings"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
        if "head_dim" in config:
            writer.add_key_length(config["head_dim"])
            writer.add_value_length(config["head_dim"])
    for name, tensor in tensors.items():
        tensor = converted(name, tensor, config).astype(numpy.float32)
        if of != Type.F32 and tensor.ndim == 2:
            writer.add_tensor(renamed(name), gguf.quants.quantize(tensor, of), raw_dtype=of)
        else:
            writer.add_tensor(renamed(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def small_llama():
    config = dict(
        model_type="llama",
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": 10000.0},
    )
    shapes = {"model.embed_tokens.weight": (80, 64), "model.norm.weight": (64,)}
    for layer in range(config["num_hidden_layers"]):
        for name, shape in {
            "input_layernorm": (64,),
            "self_attn.q_proj": (64, 64),
            "self_attn.k_proj": (32, 64),
            "self_attn.v_proj": (32, 64),
            "self_attn.o_proj": (64, 64),
            "post_attention_layernorm": (64,),
            "mlp.gate_proj": (96, 64),
            "mlp.up_proj": (96, 64),
            "mlp.down_proj": (64, 96),
        }.items():
            shapes[f"model.layers.{layer}.{name}.weight"] = shape
    draw = lambda shape: RNG.normal(size=shape) * 0.2 if len(shape) == 2 else 1 + RNG.normal(size=shape) * 0.1
    return config, {name: draw(shape) for name, shape in shapes.items()}


def write_blocks():
    """A row of 256 numbers of each type, of random bits but for its scales."""
    writer = gguf.GGUFWriter(OUT / "blocks.gguf", "llama")
    expected = {}
    for of, scales in SCALES.items():
        numbers, size = gguf.GGML_QUANT_SIZES[of]
        blocks = RNG.integers(0, 256, size=(2 * 256 // numbers, size), dtype=numpy.uint8)
        for at in scales:
            scale = RNG.normal(size=len(blocks)).astype(numpy.float16)
            blocks[:, at : at + 2] = scale.view(numpy.uint8).reshape(-1, 2)
        rows = blocks.reshape(2, -1)
        expected[of.name] = gguf.quants.dequantize(rows, of).astype(numpy.float32)
        writer.add_tensor(of.name, rows, raw_dtype=of)
    numbers = RNG.normal(size=(2, 256)).astype(numpy.float32)
    writer.add_tensor("F16", numbers.astype(numpy.float16))
    expected["F16"] = numbers.astype(numpy.float16).astype(numpy.float32)
    brain = gguf.quants.quantize(numbers, Type.BF16)
    writer.add_tensor("BF16", brain, raw_dtype=Type.BF16)
    expected["BF16"] = gguf.quants.dequantize(brain, Type.BF16).astype(numpy.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, OUT / "blocks.safetensors")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    for family in ["gpt2", "llama", "qwen2", "qwen3"]:
        folder = HERE / "decoders" / family
        config = json.loads((folder / "config.json").read_text())
        write_model(OUT / f"{family}.gguf", config, load_file(folder / "model.safetensors"))
    config, tensors = small_llama()
    write_model(OUT / "llama_q4_0.gguf", config, tensors, Type.Q4_0)
    write_blocks()


if __name__ == "__main__":
    main()
