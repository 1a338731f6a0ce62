"""Makes pyarrow_plain.parquet, pyarrow_large.parquet (the same rows in other types) and pyarrow.json.

    python pyarrow_files.py

pyarrow.json has the rows as JSON Lines objects would.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
TEXTS = ["查询订单12345😀", "hello", "where is \"it\"?\n"]
SPANS = [[{"start": 4, "end": 9, "label": "order_id"}, {"start": 9, "end": 10, "label": "mood"}], None, []]
INTENTS = ["order_status", None, "order_status"]
TURNS = [0, None, 7]

plain = pa.table({
    "text": pa.array(TEXTS),
    "spans": pa.array(SPANS, pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())]))),
    "intent": pa.array(INTENTS),
    "sentiment": pa.array([0.5, None, 1.0]),
    "dialogue_id": pa.array(["d", None, "d"]),
    "turn": pa.array(TURNS),
    "reply": pa.nulls(3),
    "score": pa.array([1, None, 3]),
    "flags": pa.array([True, False, None]),
})
large = pa.table({
    "score": pa.array([1, None, 3], pa.int8()),
    "text": pa.array(TEXTS, pa.large_string()),
    "spans": pa.array(SPANS, pa.large_list(pa.struct([
        ("label", pa.large_string()), ("end", pa.int32()), ("start", pa.uint16())]))),
    "intent": pa.array(INTENTS).dictionary_encode(),
    "sentiment": pa.array([0.5, None, 1.0], pa.float32()),
    "dialogue_id": pa.array(["d", None, "d"]).dictionary_encode(),
    "turn": pa.array(TURNS, pa.uint8()),
    "id": pa.array([0, 1, 2], pa.int16()),
    "flags": pa.array([True, False, None]),
})
pq.write_table(plain, HERE / "pyarrow_plain.parquet")
pq.write_table(large, HERE / "pyarrow_large.parquet", compression="none", row_group_size=2, data_page_version="2.0")

rows = []
for at, text in enumerate(TEXTS):
    row = {"id": str(at), "text": text, "origin": "source"}
    for name in ["spans", "intent", "sentiment", "dialogue_id", "turn", "score", "flags"]:
        value = plain[name][at].as_py()
        if value is not None and value != []:
            row[name] = value
    rows.append(row)
(HERE / "pyarrow.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
