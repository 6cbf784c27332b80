"""Finds labels that out-of-fold predictions contradict (confident learning, Northcutt et al. 2021, 10.1613/jair.1.12125).

In: out-of-fold class probabilities [N, 13] and the given labels. Out: a trust for each cell, and a table that names
every doubted cell, its given class and the class the teachers read.

A class's threshold is the mean probability that its own cells are given. A cell is doubted when, among the classes
whose threshold it passes, the most probable one is not its label. Nothing is relabeled: a doubted cell only counts less.
"""

import csv

import numpy as np

from labels import CLASSES

# METHOD: a doubted label may still be right (rare classes are read poorly by the teachers), so it keeps some weight.
DOUBTED_TRUST = 0.4


def trust(probability, label):
    """Trust of each labeled cell, and the class read instead (the label itself where it is not doubted)."""
    threshold = np.array(
        [probability[label == c, c].mean() if (label == c).any() else np.inf for c in range(len(CLASSES))]
    )
    passed = np.where(probability >= threshold, probability, -1.0)
    read = np.where(passed.max(1) >= 0, passed.argmax(1), label)
    return np.where(read == label, 1.0, DOUBTED_TRUST), read


def write_table(path, cells, index, probability, label, read):
    """Every doubted cell, the least probable label first."""
    doubted = np.flatnonzero(read != label)
    own = probability[np.arange(len(label)), label]
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["field", "cell_id", "x_px", "y_px", "label", "read_as", "label_probability", "read_probability"])
        for i in doubted[np.argsort(own[doubted], kind="stable")]:
            cell = index[i]
            table.writerow(
                [
                    cells.field[cell],
                    cells.cell_id[cell],
                    f"{cells.center[cell, 0]:.1f}",
                    f"{cells.center[cell, 1]:.1f}",
                    CLASSES[label[i]],
                    CLASSES[read[i]],
                    f"{own[i]:.4f}",
                    f"{probability[i, read[i]]:.4f}",
                ]
            )
    return len(doubted)
