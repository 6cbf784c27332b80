"""Ranges of what can be measured of films: those that were learned from, and how far off left-out origins were.

    python films.py --data DATA --binary PROGRAM --work work/films --out film-ranges.json

In: the labeled sets, measured by the program itself (`analyze --format json`, one run for each acquisition group of
chula-rbc-12 and each other set). Out: for each of `MEASURES` the limits that a card states (`film_ranges`).

1. A film is the median of its accepted fields (a group of chula-rbc-12); the share of cells that the classifier takes for no red
   cell is that of all its fields. Of the sets that do not say which field is of which film each field stands for one, the outermost
   `OUTER` on either side left aside, and all together for that share.
2. Learned: lowest and highest of the train parts.
3. An origin's excess: how far it lies outside of all other origins, as a ratio. Networks were trained without each of
   `ORIGINS` and kept their floor there (models/README.md), and no network saw thalassemia.
4. Tried: the learned range, widened on either side by the square of the greatest excess of the measure, at least of `LEAST_EXCESS`; and what the val films
   show sharpened as `repeatability` does it, under which their percentage holds.

5. Sharpness has limits of its own below, because it decides what is found and not what is called: learned is the softest film of
   chula-rbc-12, whose schistocytes taught; tried ends where the val films, blurred, keep `LEAST_LEFT` of their percentage.

METHOD: twice as far (on the logarithmic scale) as the furthest origin that was left out is where nothing is known any more.
Once as far would refuse the next camera that differs a little more than those at hand. Either side: which side an
origin lies on is chance.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

import labels

MEASURES = ("stain_density", "stain_red_ratio", "stain_blue_ratio", "focus_per_um")
NOT_RED_CELL_SHARE = "not_red_cell_share"
# As SHARPEN_SIGMA_PX and SHARPEN_AMOUNT of src/evaluate/repeatability/changes.rs.
SHARPEN_SIGMA_PX, SHARPEN_AMOUNT = 1.5, 0.8
# Steps between magnifications, adapters and stains are of this size and more; a smaller excess is chance among few origins.
LEAST_EXCESS = 1.25
# The measure with limits of its own, and the share of the percentage that must be left at the second of them.
SHARPNESS = "focus_per_um"
LEAST_LEFT = 1 / 3
# Standard deviations of the blur, px.
BLUR_SIGMAS_PX = (1.0, 1.5, 2.0, 2.5)
# Share of a set's fields that is left aside on either side.
OUTER = 0.025
# What a network was trained without, by the sets that belong together.
ORIGINS = {
    "pbc": ("pbc",),
    "raabin": ("raabin",),
    "cbc": ("cbc",),
    "chula-diseases": ("hs", "iron-deficiency", "megaloblastic"),
    labels.LEFT_OUT: (labels.LEFT_OUT,),
}


def measured(binary, paths, out):
    """The accepted fields of a run: name and figures of quality."""
    if not (out / "case.json").exists():
        command = [str(binary), "analyze", *map(str, paths), "--out", str(out), "--format", "json", "--quiet"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if not (out / "case.json").exists():
            raise RuntimeError(f"{binary}: {done.stderr.strip()}")
    record = json.loads((out / "case.json").read_text())
    fields = [field for field in record["fields"] if field["accepted"]]
    return [
        (
            field["field"],
            {figure["name"]: figure["value"] for figure in field["quality"]}
            | {key: field[key] for key in ("red_cells", "schistocytes")}
            | {"refused": field["exclusions"].get("not_red_cell", 0)},
        )
        for field in fields
    ]


def films(binary, data, work):
    """For each set the figures of its films that taught, of the set that teaches nothing all."""
    splits = labels.chula_splits(data)
    found = defaultdict(list)
    for source in labels.SOURCES:
        paths = sorted((data / source.images).iterdir())
        if source.name == "chula":
            groups = defaultdict(list)
            for path in paths:
                if splits.get(path.stem, ("",))[0] == "train":
                    groups[splits[path.stem][1]].append(path)
            for group, members in groups.items():
                fields = [figures for _, figures in measured(binary, members, work / f"chula-{group}")]
                if fields:
                    found["chula"].append(film(fields))
        else:
            every = measured(binary, paths, work / source.name)
            taught = [
                figures for name, figures in every if source.name == labels.LEFT_OUT or labels.hashed_part(name) == "train"
            ]
            share = film(taught)[NOT_RED_CELL_SHARE]
            found[source.name] += [figures | {NOT_RED_CELL_SHARE: share} for figures in taught]
    return found


def sharpened(picture):
    """As `repeatability` does it."""
    soft = cv2.GaussianBlur(picture, (0, 0), SHARPEN_SIGMA_PX)
    return picture + SHARPEN_AMOUNT * (picture - soft)


def changed_films(binary, data, work, name, change):
    """The val groups of chula-rbc-12 after a change of their pictures, given as `change(picture)` of float32: their films."""
    found = []
    splits, groups = labels.chula_splits(data), defaultdict(list)
    for path in sorted((data / labels.source_named("chula").images).iterdir()):
        if splits.get(path.stem, ("",))[0] == "val":
            groups[splits[path.stem][1]].append(path)
    for group, members in groups.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for path in members:
                picture = change(cv2.imread(str(path)).astype(np.float32))
                paths.append(Path(folder) / f"{path.stem}.png")
                cv2.imwrite(str(paths[-1]), np.clip(picture, 0, 255).round().astype(np.uint8))
            fields = [figures for _, figures in measured(binary, paths, work / f"{name}-{group}")]
        if fields:
            found.append(film(fields))
    return found


def film(fields):
    """The measures of one film."""
    cells, refused = (sum(figures[key] for figures in fields) for key in ("red_cells", "refused"))
    share = refused / (cells + refused) if cells + refused else None
    called = {"red_cells": cells, "schistocytes": sum(figures["schistocytes"] for figures in fields)}
    return {name: middle(fields, name) for name in MEASURES} | {NOT_RED_CELL_SHARE: share} | called


def softest(binary, data, work):
    """Sharpness at which the val films, blurred, keep `LEAST_LEFT` of their percentage; between two blurs by the line."""
    points = []
    for sigma in (0.0, *BLUR_SIGMAS_PX):
        blur = (lambda picture: picture) if sigma == 0 else (lambda picture, width=sigma: cv2.GaussianBlur(picture, (0, 0), width))
        every = changed_films(binary, data, work, f"blurred-{sigma:g}", blur)
        percent = sum(row["schistocytes"] for row in every) / sum(row["red_cells"] for row in every)
        points.append((float(np.median([row[SHARPNESS] for row in every])), percent))
        print(f"blurred {sigma:g} px: sharpness {points[-1][0]:.2f}, {100 * percent:.2f} %, {percent / points[0][1]:.2f} of it", flush=True)
    sharpness, left = zip(*sorted((sharp, percent / points[0][1]) for sharp, percent in points))
    return float(np.interp(LEAST_LEFT, np.maximum.accumulate(left), sharpness))


def middle(fields, name):
    """Median over the fields that have the figure, or None."""
    values = [figures[name] for figures in fields if figures.get(name) is not None]
    return float(np.median(values)) if values else None


def limits(rows, name, outer):
    """Lowest and highest of a measure."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return np.quantile(values, [outer, 1 - outer])


def ranges(found, changed, least_sharpness):
    """The limits of every measure, and each origin's excess; `changed` are films whose percentage held under a change, and
    `least_sharpness` the second limit of sharpness below."""
    result, excesses = [], {}
    for name in (*MEASURES, NOT_RED_CELL_SHARE):
        of = {key: limits(rows, name, 0 if key == "chula" else OUTER) for key, rows in found.items()}
        learned = [value for key, value in of.items() if key != labels.LEFT_OUT]
        low, high = min(value[0] for value in learned), max(value[1] for value in learned)
        excess = {}
        for origin, members in ORIGINS.items():
            others = [value for key, value in of.items() if key not in members and key != labels.LEFT_OUT]
            own = [of[key] for key in members]
            below, above = min(value[0] for value in others), max(value[1] for value in others)
            ratios = [max(value[1] for value in own) / above]
            if min(value[0] for value in own) > 0:
                ratios.append(below / min(value[0] for value in own))
            excess[origin] = max(1.0, *ratios)
        factor = max(LEAST_EXCESS, *excess.values()) ** 2
        excesses[name] = excess
        held = limits(changed, name, 0)
        limit = {"low": low, "high": high, "tried_low": min(low / factor, held[0]), "tried_high": max(high * factor, held[1])}
        if name == SHARPNESS:
            limit["low"] = of["chula"][0]
            limit["tried_low"] = min(least_sharpness, limit["low"])
        result.append({"measure": name} | {key: round(float(value), 4) for key, value in limit.items()})
    return result, excesses


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labeled sets")
    parser.add_argument("--binary", type=Path, required=True, help="the schistoquant program")
    parser.add_argument("--work", type=Path, default=Path("work/films"), help="records of the runs; kept ones are read again")
    parser.add_argument("--out", type=Path, required=True, help="file for the ranges")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    where = (asked.binary, asked.data, asked.work)
    found, excesses = ranges(films(*where), changed_films(*where, "sharpened", sharpened), softest(*where))
    asked.out.write_text(json.dumps(found, indent=2) + "\n")
    for row in found:
        told = ", ".join(f"{origin} {ratio:.2f}" for origin, ratio in excesses[row["measure"]].items())
        print(f"{row['measure']}: learned {row['low']} to {row['high']}, tried {row['tried_low']} to {row['tried_high']}; excess {told}")


if __name__ == "__main__":
    sys.exit(main())
