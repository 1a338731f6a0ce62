"""Writes zstd.parquet: two rows compressed by zstd, which is what Polars does unless told otherwise."""

import polars

rows = polars.DataFrame({"text": ["我要退款", "hi"], "intent": ["refund", "greet"]})
rows.write_parquet("zstd.parquet", compression="zstd")
