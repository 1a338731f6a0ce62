"""CTranslate2 in int8 beside `peer --translate`, in turn: Marian's base shape with random weights, targets of a forced
length by beam search.

  python translate_ctranslate2.py PEER [--threads 2] [--sources 32] [--beams 4] [--length 32] [--rounds 5]

PEER is the built binary. Writes {"ours": [...], "ctranslate2": [...], "ratio": R}, seconds a round after one that warms
up, and the ratio of the medians. Needs ctranslate2, torch and transformers."""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import ctranslate2
import torch
from ctranslate2.converters.transformers import _MODEL_LOADERS
from transformers import MarianConfig, MarianMTModel

parser = argparse.ArgumentParser()
parser.add_argument("peer")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--sources", type=int, default=32)
parser.add_argument("--beams", type=int, default=4)
parser.add_argument("--length", type=int, default=32)
parser.add_argument("--rounds", type=int, default=5)
args = parser.parse_args()

WORDS = 58101
PAD = WORDS - 1
torch.manual_seed(1)
config = MarianConfig(
    vocab_size=WORDS,
    d_model=512,
    encoder_layers=6,
    decoder_layers=6,
    encoder_attention_heads=8,
    decoder_attention_heads=8,
    encoder_ffn_dim=2048,
    decoder_ffn_dim=2048,
    max_position_embeddings=512,
    activation_function="swish",
    scale_embedding=True,
    pad_token_id=PAD,
    decoder_start_token_id=PAD,
    eos_token_id=0,
    forced_eos_token_id=None,
)
model = MarianMTModel(config).eval()
rng = random.Random(1)
sources = [[rng.randrange(3, PAD) for _ in range(rng.randint(8, 40))] + [0] for _ in range(args.sources)]


def convert(folder):
    """The model as CTranslate2 has it, without a tokenizer: a word is its number."""
    spec = _MODEL_LOADERS["MarianConfig"].get_model_spec(model)
    # It leaves the row of the padding token out.
    words = [f"w{i}" for i in range(PAD)]
    words[0], words[1] = "</s>", "<unk>"
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "</s>", "</s>", "<unk>"
    spec.config.decoder_start_token = "</s>"
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(folder)
    return words


with tempfile.TemporaryDirectory() as folder:
    ours, theirs = pathlib.Path(folder, "ours"), pathlib.Path(folder, "theirs")
    theirs.mkdir()
    model.save_pretrained(ours)
    words = convert(str(theirs))
    peer = subprocess.Popen([args.peer, "--translate", ours, "--threads", str(args.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(peer.stdout.readline())
    assert ready.get("ready"), ready
    translator = ctranslate2.Translator(str(theirs), device="cpu", compute_type="int8", inter_threads=1, intra_threads=args.threads)
    tokens = [[words[i] for i in source] for source in sources]
    request = {"cmd": "translate", "sources": sources, "beams": args.beams, "length": args.length, "n": 1}
    found = {"ours": [], "ctranslate2": []}
    for _ in range(args.rounds + 1):
        peer.stdin.write(json.dumps(request) + "\n")
        peer.stdin.flush()
        answer = json.loads(peer.stdout.readline())
        assert all(len(out) == args.length for out in answer["out"]), answer
        found["ours"].append(answer["ns"][0] / 1e9)
        started = time.perf_counter()
        out = translator.translate_batch(tokens, beam_size=args.beams, min_decoding_length=args.length, max_decoding_length=args.length, max_batch_size=0)
        found["ctranslate2"].append(time.perf_counter() - started)
        assert all(len(result.hypotheses[0]) == args.length for result in out)
    peer.stdin.write('{"cmd":"quit"}\n')
    peer.stdin.close()
    peer.wait()
    found = {name: seconds[1:] for name, seconds in found.items()}
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    print(json.dumps(found | {"ratio": medians["ctranslate2"] / medians["ours"]}))
