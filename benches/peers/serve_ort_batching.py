"""A peer of `serve` that batches: FastAPI, `tokenizers`, ONNX Runtime int8 (per channel), 77 intents.

  PEERS_DIR=DIR [WORKERS=1] [THREADS=2] [BATCH=32] [WAIT_MS=2] python serve_ort_batching.py 8092

POST /v1/understand {"text": "..."} -> {"intent": k, "confidence": p}. Requests wait in a queue. Up to
BATCH of them, or what has come WAIT_MS after the first, are padded to the longest and computed
together, on a thread of its own. DIR/models/A has the model: `int8_s8rr.onnx` (all-MiniLM-L6-v2
quantised by ONNX Runtime, input_ids, attention_mask and token_type_ids to `h`, the last hidden
states) and `hf/tokenizer.json`. The head has random weights: it costs what a real one costs.
Needs fastapi, uvicorn, uvloop, httptools, numpy, onnxruntime and tokenizers."""

import asyncio
import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

MODEL = os.path.join(os.environ["PEERS_DIR"], "models", "A")
BATCH = int(os.environ.get("BATCH", "32"))
WAIT = float(os.environ.get("WAIT_MS", "2")) / 1000

options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", "2"))
options.inter_op_num_threads = 1
options.log_severity_level = 3
session = ort.InferenceSession(
    os.path.join(MODEL, "int8_s8rr.onnx"), options, providers=["CPUExecutionProvider"]
)
tokenizer = Tokenizer.from_file(os.path.join(MODEL, "hf", "tokenizer.json"))
tokenizer.enable_truncation(128)
tokenizer.enable_padding()
head = np.random.RandomState(1).randn(384, 77).astype(np.float32) * 0.05


def compute(texts):
    rows = tokenizer.encode_batch(texts)
    ids = np.array([row.ids for row in rows], np.int64)
    mask = np.array([row.attention_mask for row in rows], np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    weights = mask[:, :, None].astype(np.float32)
    pooled = (session.run(["h"], inputs)[0] * weights).sum(1) / weights.sum(1)
    logits = pooled @ head
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    best = chances.argmax(1)
    return [(int(k), float(row[k])) for k, row in zip(best, chances)]


async def next_batch(queue):
    batch = [await queue.get()]
    clock = asyncio.get_running_loop()
    until = clock.time() + WAIT
    while len(batch) < BATCH:
        if not queue.empty():
            batch.append(queue.get_nowait())
            continue
        try:
            batch.append(await asyncio.wait_for(queue.get(), until - clock.time()))
        except asyncio.TimeoutError:
            break
    return batch


async def serve(queue):
    clock = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        while True:
            batch = await next_batch(queue)
            try:
                answers = await clock.run_in_executor(pool, compute, [text for text, _ in batch])
            except Exception as error:  # the batch's requests fail, the rest goes on
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(batch, answers):
                if not answer.done():
                    answer.set_result(result)


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.queue = asyncio.Queue()
    task = asyncio.create_task(serve(app.state.queue))
    yield
    task.cancel()


class Question(BaseModel):
    text: str


app = FastAPI(lifespan=lifespan)


@app.post("/v1/understand")
async def understand(question: Question):
    answer = asyncio.get_running_loop().create_future()
    await app.state.queue.put((question.text, answer))
    intent, confidence = await answer
    return {"intent": intent, "confidence": confidence}


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(
        "serve_ort_batching:app",
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(os.environ.get("WORKERS", "1")),
        log_level="warning",
        loop="uvloop",
        http="httptools",
    )
