"""Writes the graph and its card, and proves that the graph says what the network says.

In: the trained student, its calibration, the measured figures. Out: `NAME.onnx` (opset 17, fixed batch of 16, batch
normalization folded) and `NAME.card.json`. The graph's answers are compared with the network's on real cells in ONNX
Runtime; a difference above `TOLERANCE` stops the export.
"""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from augment import NEIGHBOR_DIMMING
from labels import CLASSES, SCHISTOCYTE
from network import CLASS_COUNT, INPUT_PX, fold_batch_norm, side_by_side

BATCH = 16
OPSET = 17
TOLERANCE = 1e-4
INPUT_NAME = "cells"
OUTPUT_NAMES = ["class_probability", "schistocyte_probability", "red_cell_probability"]
# Least probability inside the logarithm; keeps the score finite.
FLOOR = 1e-12


class Shipped(nn.Module):
    """Network and calibration in one graph of plain operations."""

    def __init__(self, network, calibration):
        super().__init__()
        self.network = fold_batch_norm(network)
        self.temperature = calibration.temperature
        self.slope = calibration.slope
        self.offset = calibration.offset

    def forward(self, cells):
        logits = side_by_side(self.network, cells)
        classes = logits[:, :CLASS_COUNT]
        share = torch.softmax(classes, 1)
        own = share[:, SCHISTOCYTE : SCHISTOCYTE + 1].sum(1)
        others = share[:, :SCHISTOCYTE].sum(1) + share[:, SCHISTOCYTE + 1 :].sum(1)
        score = torch.log(own + FLOOR) - torch.log(others + FLOOR)
        return (
            torch.softmax(classes / self.temperature, 1),
            torch.sigmoid(self.slope * score + self.offset),
            torch.sigmoid(logits[:, CLASS_COUNT:].sum(1)),
        )


def write_graph(network, calibration, path, examples):
    """Export, check and compare; returns the SHA-256 of the file. `examples` is float32 [M, 3, 64, 64], M >= 16."""
    shipped = Shipped(network, calibration).eval().to(memory_format=torch.contiguous_format)
    sample = torch.zeros(BATCH, 3, INPUT_PX, INPUT_PX)
    torch.onnx.export(
        shipped, (sample,), str(path), input_names=[INPUT_NAME], output_names=OUTPUT_NAMES, opset_version=OPSET, dynamo=False
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for start in range(0, len(examples) - BATCH + 1, BATCH):
        x = examples[start : start + BATCH].contiguous()
        with torch.no_grad():
            expected = [value.numpy() for value in shipped(x)]
        found = session.run(OUTPUT_NAMES, {INPUT_NAME: x.numpy()})
        gap = max(float(np.abs(a - b).max()) for a, b in zip(expected, found))
        if gap > TOLERANCE:
            raise RuntimeError(f"{path}: expected the graph to answer as the network within {TOLERANCE}, found {gap}")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(path, name, version, graph_sha256, um_per_px, calibration, performance, training, limits):
    """The card beside the graph; the program refuses one that does not match."""
    card = {
        "name": name,
        "version": version,
        "graph_sha256": graph_sha256,
        "labels": CLASSES,
        "input": {
            "name": INPUT_NAME,
            "shape": [BATCH, 3, INPUT_PX, INPUT_PX],
            "channel_order": "RGB",
            "scaling": {"divide": 127.5, "subtract": 1.0},
        },
        "um_per_px": um_per_px,
        "outputs": {key: key for key in OUTPUT_NAMES},
        "neighbor_dimming": NEIGHBOR_DIMMING,
        "operating_point": calibration.point,
        "review_operating_point": calibration.review_point,
        "red_cell_operating_point": calibration.red_cell_point,
        "temperature": calibration.temperature,
        "performance": performance,
        "training": training,
        "licence": "MIT",
        "intended_use": (
            "Sorts segmented red cells of Romanowsky-stained blood smears, photographed in the monolayer, into thirteen "
            "shapes and flags schistocytes for review by a qualified professional. For Research Use Only. Not for use in "
            "diagnostic procedures."
        ),
        "limits": limits,
        "evaluation_sha256": None,
    }
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
