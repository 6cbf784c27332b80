"""Figures of a finished graph on exported crops, whichever way it was trained.

    python score.py --data ../../../shared/data --crops work/crops --model ../schistoquant-rbc13.onnx

Prints the table of `table.py` as JSON, all parts of the box sets included. Which parts the model was trained on stands
in its card; only the rest says something about other films. `--changed ROUNDS` adds the val figures on pictures changed
as by other stains, cameras and scales (augment.py, seeds that no training uses), means over the rounds.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import figures
import labels
import prepare
import table
from augment import Augmenter, to_input

# Seed of the first round of changes.
CHANGED_SEED = 9000


def answers_of(model, card, inputs, threads):
    """The graph's answers in its fixed batch for float32 [N, 3, 64, 64]; the last batch is filled up with zeros."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [card["outputs"][key] for key in ("class_probability", "schistocyte_probability", "red_cell_probability")]
    batch = card["input"]["shape"][0]
    parts = [[], [], []]
    for start in range(0, len(inputs), batch):
        x = inputs[start : start + batch].numpy()
        filled = np.zeros((batch, *x.shape[1:]), np.float32)
        filled[: len(x)] = x
        for part, value in zip(parts, session.run(names, {card["input"]["name"]: filled})):
            part.append(value[: len(x)])
    return table.Answers(
        *(np.concatenate(part) for part in parts), card["operating_point"], card["red_cell_operating_point"]
    )


def changed(crops, seed, batch=256):
    """Inputs of changed pictures, sizes kept within those of the size classes."""
    augmenter = Augmenter(seed)
    parts = [crops[start : start + batch] for start in range(0, len(crops), batch)]
    return torch.cat([augmenter(part, np.ones(len(part), bool)) for part in parts])


def measure_changed(cells, card, answer, rounds):
    """Means over rounds of changes: figures on labeled counted val cells, and calls among healthy counted val objects."""
    val = (cells.part == "val") & cells.counted()
    labeled, healthy = np.flatnonzero(val & (cells.label >= 0)), np.flatnonzero(val & cells.healthy)
    positive = cells.label[labeled] == labels.SCHISTOCYTE
    rows = []
    for seed in range(CHANGED_SEED, CHANGED_SEED + rounds):
        score = answer(changed(cells.crops[labeled], seed)).schistocyte
        called = answer(changed(cells.crops[healthy], seed)).schistocyte >= card["operating_point"]
        rows.append(
            {
                "auc": figures.auc(score, positive),
                "average_precision": figures.average_precision(score, positive),
                "sensitivity": float((score[positive] >= card["operating_point"]).mean()),
                "specificity": float((score[~positive] < card["operating_point"]).mean()),
                "healthy_called": int(called.sum()),
            }
        )
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    return means | {"rounds": rounds, "healthy_cells": len(healthy)}


def main():
    """Load, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labeled sets")
    parser.add_argument("--crops", type=Path, required=True, help="folder of exported crops")
    parser.add_argument("--model", type=Path, required=True, help="graph; its card lies beside it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--changed", type=int, default=0, metavar="ROUNDS", help="also measure on changed pictures")
    asked = parser.parse_args()
    card = json.loads(asked.model.with_suffix(".card.json").read_text())
    cells = prepare.load_cells(asked.data, asked.crops)

    def answer(inputs):
        return answers_of(asked.model, card, inputs, asked.threads)

    measured = table.measure(cells, answer(to_input(cells.crops)), ("train", "val", "test"))
    if asked.changed > 0:
        measured["val_changed"] = measure_changed(cells, card, answer, asked.changed)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    sys.exit(main())
