"""Figures of a finished graph on exported crops, whichever way it was trained.

    python score.py --data ../../../shared/data --crops work/crops --model ../schistoquant-rbc13.onnx

Prints the table of `table.py` as JSON, all parts of the box sets included. Which parts the model was trained on stands
in its card; only the rest says something about other films.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

import prepare
import table
from augment import to_input


def answers_of(model, card, crops, threads):
    """The graph's answers in its fixed batch; the last batch is filled up with zeros."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [card["outputs"][key] for key in ("class_probability", "schistocyte_probability", "red_cell_probability")]
    batch = card["input"]["shape"][0]
    parts = [[], [], []]
    for start in range(0, len(crops), batch):
        x = to_input(crops[start : start + batch]).numpy()
        filled = np.zeros((batch, *x.shape[1:]), np.float32)
        filled[: len(x)] = x
        for part, value in zip(parts, session.run(names, {card["input"]["name"]: filled})):
            part.append(value[: len(x)])
    return table.Answers(
        *(np.concatenate(part) for part in parts), card["operating_point"], card["red_cell_operating_point"]
    )


def main():
    """Load, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labeled sets")
    parser.add_argument("--crops", type=Path, required=True, help="folder of exported crops")
    parser.add_argument("--model", type=Path, required=True, help="graph; its card lies beside it")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    card = json.loads(asked.model.with_suffix(".card.json").read_text())
    cells = prepare.load_cells(asked.data, asked.crops)
    answers = answers_of(asked.model, card, cells.crops, asked.threads)
    print(json.dumps(table.measure(cells, answers, ("train", "val", "test")), indent=2))


if __name__ == "__main__":
    sys.exit(main())
