"""What networks say of origins, stains and a film that they never saw, as a table in Markdown.

    python transfer.py --work work --at 0.2,0.3325,0.45

In: the answers that `train.py --without NAME` left in `WORK/left-out`. Out: for each network and threshold the share called of
counted cells that are no schistocyte by the readings, with Wilson's interval, and of cells that are one the share called; the same
for thalassemia, which no network learns from, with precision and average precision. A cell of which neighbors hide more than
`MAX_HIDDEN_SHARE` is not called.

Limits: cells of `cbc`, `pbc` and `raabin` that nobody read are taken for none; of chula-diseases and of stain blocks only read
cells and those with another label are in the figures.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import figures
import labels


def rows_of(path, thresholds):
    """The lines of one network."""
    kept = dict(np.load(path))
    score = np.where(kept["callable"], kept["schistocyte"], 0)
    away = kept["source"] == labels.LEFT_OUT
    known = kept["counted"] & (kept["truth"] >= 0)
    none, one = (known & ~away & (kept["truth"] == value) for value in (0, 1))
    film, weight = known & away, kept["truth_weight"]
    positive = film & (kept["truth"] == 1)
    precise = figures.average_precision(score[film], kept["truth"][film] == 1, weight[film])
    for point in thresholds:
        called = score >= point
        share, low, high = (100 * value for value in figures.wilson(int((called & none).sum()), int(none.sum())))
        own = f"{int((called & one).sum())} of {int(one.sum())}" if one.any() else "–"
        right, every = (float((weight * (called & rows)).sum()) for rows in (positive, film))
        yield (
            f"| {path.stem} | {point:g} | {int((called & none).sum())} of {int(none.sum())}, {share:.2f} ({low:.2f} to {high:.2f}) "
            f"| {own} | {int((called & positive).sum())} of {int(positive.sum())} | {right / every if every else float('nan'):.2f} | {precise:.3f} |"
        )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--at", required=True, help="thresholds, comma-separated")
    asked = parser.parse_args()
    print("| left out | threshold | others called, % (95 %) | schistocytes called | thalassemia: called | precision | average precision |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for path in sorted((asked.work / "left-out").glob("*.npz")):
        for line in rows_of(path, [float(value) for value in asked.at.split(",")]):
            print(line)


if __name__ == "__main__":
    sys.exit(main())
