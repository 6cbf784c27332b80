"""Every figure of the model card that can be read off exported crops.

In: `Cells` with their labels and readings and a model's answers for each. Out: a table of plain numbers for JSON; shares are
[share, low, high] with a 95 % Wilson interval, and None where no cell stands behind them. Only cells count that the
segmenter would count and that the red cell operating point keeps.

Limits: a cell that the segmenter missed is not seen here, so the sensitivity is that of the classifier, not of the
whole program.
"""

from dataclasses import dataclass

import numpy as np

import figures
import labels

CLASS_COUNT = len(labels.CLASSES)


@dataclass(frozen=True)
class Answers:
    """What a model says of each cell, and its operating points."""

    class_probability: np.ndarray  # N x 13
    schistocyte: np.ndarray  # N
    red: np.ndarray  # N
    point: float
    red_point: float
    review_point: float = 1.0


def measure(cells, answers, parts):
    """The table, for the given parts of the box sets."""
    counted = cells.counted() & (answers.red >= answers.red_point)
    called = (answers.schistocyte >= answers.point) & cells.callable()
    result = {"operating_point": answers.point, "red_cell_operating_point": answers.red_point}
    for source, part in (("chula", "val"), (labels.LEFT_OUT, "test")):
        rows = counted & (cells.source == source) & (cells.part == part)
        result[f"{source}_{part}_read"] = _read(cells, answers, rows, called)
    result["chula_val"] = _labeled(cells, answers, counted & (cells.source == "chula") & (cells.part == "val"), called)
    for part in parts:
        for source in ("pbc", "raabin", "cbc"):
            result[f"{source}_{part}"] = _healthy(
                cells, (cells.source == source) & (cells.part == part), counted, called, answers
            )
    return result


def _read(cells, answers, rows, called):
    """Figures against the readings, and against labels other than schistocyte where nobody read."""
    rows = rows & (cells.truth >= 0)
    if not rows.any():
        return None
    positive, weight, probability = cells.truth[rows] == 1, cells.truth_weight[rows], answers.schistocyte[rows]
    found = called[rows]
    return {
        "auc": figures.auc(probability, positive, weight),
        "average_precision": figures.average_precision(probability, positive, weight),
        "sensitivity_at_specificity_0.985": figures.sensitivity_at(probability, positive, 0.985, weight)[0],
        "sensitivity": figures.share(found[positive], weight[positive]),
        "sensitivity_cells": int(positive.sum()),
        "specificity": figures.share(~found[~positive], weight[~positive]),
        "specificity_cells": int((~positive).sum()),
        "precision": figures.share(positive[found], weight[found]),
        "sensitivity_at_review_point": figures.share(probability[positive] >= answers.review_point, weight[positive]),
        "precision_at_review_point": figures.share(
            positive[probability >= answers.review_point], weight[probability >= answers.review_point]
        ),
    }


def _labeled(cells, answers, rows, called):
    """Figures on cells that carry a point, against the set's own labels."""
    rows = rows & (cells.original_label >= 0)
    if not rows.any():
        return None
    label, probability = cells.original_label[rows], answers.schistocyte[rows]
    positive = label == labels.SCHISTOCYTE
    predicted = answers.class_probability[rows].argmax(1)
    found, right = int(called[rows][positive].sum()), int((~called[rows][~positive]).sum())
    at = {f"sensitivity_at_specificity_{s}": figures.sensitivity_at(probability, positive, s)[0] for s in (0.99, 0.995, 0.998)}
    return {
        "schistocyte_auc": figures.auc(probability, positive),
        "schistocyte_average_precision": figures.average_precision(probability, positive),
        **at,
        "sensitivity": figures.wilson(found, int(positive.sum())),
        "sensitivity_cells": int(positive.sum()),
        "specificity": figures.wilson(right, int((~positive).sum())),
        "specificity_cells": int((~positive).sum()),
        "macro_f1": figures.macro_f1(predicted, label, CLASS_COUNT),
        "f1": dict(zip(labels.CLASSES, figures.per_class_f1(predicted, label, CLASS_COUNT))),
        "schistocyte_calibration_error": figures.calibration_error(probability, positive),
    }


def _healthy(cells, rows, counted, called, answers):
    """Figures on one part of a box set."""
    red, other = rows & cells.counted() & (cells.red == 1), rows & cells.counted() & (cells.red == 0)
    rows = rows & counted
    predicted = answers.class_probability[rows].argmax(1)
    return {
        "counted_cells": int(rows.sum()),
        "called_schistocyte": int(called[rows].sum()),
        "share": figures.wilson(int(called[rows].sum()), int(rows.sum())),
        "above_review_point": int((answers.schistocyte[rows] >= answers.review_point).sum()),
        "class_share": {name: float((predicted == i).mean()) for i, name in enumerate(labels.CLASSES)} if rows.any() else None,
        "red_cells_kept": figures.wilson(int((red & counted).sum()), int(red.sum())),
        "other_objects_refused": figures.wilson(int((other & ~counted).sum()), int(other.sum())),
    }
