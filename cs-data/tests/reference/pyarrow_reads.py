"""Reads, with PyArrow, a file or partitioned folder that this crate wrote, and prints what is in it.

    cargo run --release --example convert -- --input rows.csv --output parts --to parquet --partition-by intent
    python pyarrow_reads.py parts

A file gives the same rows as its partitions; spans are checked to lie in their texts.
"""

import sys

import pyarrow.dataset as ds

data = ds.dataset(sys.argv[1], partitioning="hive")
print(data.schema)
rows = spans = 0
for batch in data.to_batches(columns=["text", "spans"]):
    for row in batch.to_pylist():
        rows += 1
        for span in row["spans"]:
            spans += 1
            assert 0 <= span["start"] < span["end"] <= len(row["text"]), row
print(f"{rows} rows, {spans} spans in their texts")
assert rows == data.count_rows()
