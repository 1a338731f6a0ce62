#!/usr/bin/env python3
"""The reference for cs-train's event files, and a check of them by TensorBoard's own readers.

python tensorboard_events.py make tensorboard.events    # written by TensorBoard's writer
python tensorboard_events.py check FOLDER               # prints what TensorBoard reads, as JSON

Needs tensorboard and torch.
"""
import glob
import json
import math
import os
import sys
import tempfile

import numpy as np
from google.protobuf import json_format
from tensorboard.backend.event_processing import event_file_loader, plugin_event_accumulator
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.pr_curve import metadata as pr_curve_metadata
from tensorboard.util import tensor_util

HISTOGRAM = [-2.5, -1.0, -0.125, 0.0, 0.0, 0.5, 1.0, 1.5, 1000.0]
SCORES = [(0.0, False), (0.1, False), (0.25, True), (0.5, False), (0.75, True), (0.9, True), (1.0, True)]
HPARAMS = {"lr": 0.5, "model": "light"}


def make(path):
    from torch.utils.tensorboard import summary
    from torch.utils.tensorboard.writer import FileWriter

    bins, edge = [], 1e-12
    while edge < 1e20:
        bins.append(edge)
        edge *= 1.1
    bins = [-b for b in bins[::-1]] + [0] + bins
    score, positive = np.array([s for s, _ in SCORES]), np.array([p for _, p in SCORES])
    with tempfile.TemporaryDirectory() as folder:
        writer = FileWriter(folder)
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        writer.add_event(event_pb2.Event(session_log=start), 7)
        writer.add_summary(summary.scalar("train/loss", 0.25), 3)
        writer.add_summary(summary.scalar("bad", math.nan), 4)
        writer.add_summary(summary.scalar("bad", -math.inf), 5)
        values = np.array(HISTOGRAM)
        writer.add_summary(summary.histogram("weights", values, bins), 6)
        writer.add_summary(summary.text("说明", "**订单**"), 7)
        writer.add_summary(summary.pr_curve("eval/refund", positive, score), 8)
        for part in summary.hparams(HPARAMS, {"eval/f1": None}):
            for value in part.value:
                # A map's entries come in any order otherwise.
                plugin = value.metadata.plugin_data
                data = plugin_data_pb2.HParamsPluginData.FromString(plugin.content)
                plugin.content = data.SerializeToString(deterministic=True)
            writer.add_summary(part, 0)
        writer.close()
        (file,) = glob.glob(folder + "/*")
        with open(file, "rb") as source, open(path, "wb") as target:
            target.write(source.read())


def check(folder):
    files = sorted(glob.glob(os.path.join(folder, "events.out.tfevents.*")))
    events = sum(len(list(event_file_loader.EventFileLoader(file).Load())) for file in files)
    accumulator = plugin_event_accumulator.EventAccumulator(folder, size_guidance={"tensors": 0})
    accumulator.Reload()
    read = {"files": len(files), "events": events}
    for plugin in accumulator.ActivePlugins():
        contents = accumulator.PluginTagToContent(plugin)
        read[plugin] = {
            tag: describe(plugin, content, accumulator.Tensors(tag))
            for tag, content in sorted(contents.items())
        }
    json.dump(read, sys.stdout, indent=1, ensure_ascii=False)
    print()


def describe(plugin, content, tensors):
    steps = [event.step for event in tensors]
    # A run that was resumed has no step twice.
    assert steps == sorted(set(steps)) or plugin == "hparams", steps
    arrays = [tensor_util.make_ndarray(event.tensor_proto) for event in tensors]
    if plugin == "scalars":
        return {"steps": [steps[0], steps[-1]], "points": len(steps), "last": str(arrays[-1])}
    if plugin == "histograms":
        return {"steps": steps, "buckets": len(arrays[-1]), "count": float(arrays[-1][:, 2].sum())}
    if plugin == "text":
        return {"steps": steps, "last": arrays[-1].reshape(-1)[0].decode()[:200]}
    if plugin == "pr_curves":
        data = pr_curve_metadata.parse_plugin_metadata(content)
        assert all(array.shape == (6, data.num_thresholds) for array in arrays)
        return {"steps": steps, "thresholds": data.num_thresholds, "recall at 0": str(arrays[-1][5][0])}
    if plugin == "hparams":
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        assert data.version == hparams_metadata.PLUGIN_DATA_VERSION
        return json_format.MessageToDict(data)
    raise AssertionError(plugin)


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](sys.argv[2])
