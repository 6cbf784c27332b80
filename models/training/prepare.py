"""Calls the program for the crops of every set and joins them with the labels.

In: the data folder and the `schistoquant` binary (or crops it wrote earlier). Out: `Cells`, one row for each object.

1. `schistoquant crops IMAGE... --out DIR` once for each acquisition group of chula-rbc-12 and once for each box set,
   so that the scale is estimated for each group as it is for a specimen.
2. Points: an object that holds exactly one point takes its class. Two or more points mean merged cells: the object is
   left without a class.
3. Boxes: objects and boxes are paired greedily by IoU >= `MATCH_IOU`. A red cell box says "red cell"; an object that is
   paired with, or lies inside, a white cell or platelet box says "not a red cell"; the rest stays unknown.
4. In the sets of healthy people every object is "not a schistocyte", paired or not: what the segmenter makes of a
   healthy film (halves of split cells, debris) is what the network must not call.
   `hs`, `iron-deficiency` and `megaloblastic` are taken so too, but for their read cells.
5. Drawn specimens (`schistoquant synth`) carry exact classes; an object and a drawn cell are one from the same IoU on.
6. Blind readings (readings.py): a reading belongs to the object whose box has its middle nearest to the reading's place,
   within `READ_DISTANCE` of the box's diagonal. What was read goes before every label: a cell labeled schistocyte and
   read otherwise loses that label.

Limits: the healthy sets are taken as free of schistocytes (in health 0.05 to 0.15 % of red cells are fragments); cbc
names no diagnosis. Of 150 cells of another label drawn from those that classifier 3.0.0 scores below 0.1 none was read
as a schistocyte; so a labeled cell that nobody read is taken for none.
"""

import csv
import hashlib
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import labels
import readings
from labels import UNKNOWN

# Overlap that makes an object and a box the same cell; the figure the evaluation uses too.
MATCH_IOU = 0.5
# Share of an object's box inside a white cell or platelet box from which it is part of that cell, not a red cell.
INSIDE_SHARE = 0.7

# Distance between a reading's place and the middle of an object's box, as a share of the box's diagonal, up to which the
# object is the cell that was read: boxes move a little when the segmenter changes.
READ_DISTANCE = 0.2
# Stratum of the drawn readings that stand for cells which carry a label of their own here.
STANDS_FOR_LABELED = "other label, below 0.1, drawn"

# What the segmenter calls a red cell that can be counted.
COUNTED_KIND = "red_cell"
# Largest hidden share of a cell that the program calls a schistocyte (MAX_HIDDEN_SHARE of src/classify/scores.rs).
MAX_HIDDEN_SHARE = 0.15


@dataclass
class Cells:
    """Every object of every set; arrays of equal length N."""

    crops: np.ndarray  # uint8, N x 96 x 96 x 3, RGB, background 240
    source: np.ndarray  # name of the set
    field: np.ndarray  # file name of the image
    group: np.ndarray  # acquisition group (chula) or file name: what must stay in one fold
    part: np.ndarray  # train, val, test
    kind: np.ndarray  # status of the segmenter
    label: np.ndarray  # class index or UNKNOWN
    healthy: np.ndarray  # True: not a schistocyte
    red: np.ndarray  # 1 red cell, 0 not, UNKNOWN
    cell_id: np.ndarray  # as in crops.csv
    box: np.ndarray  # N x 4, x_min, y_min, x_max, y_max in original pixels
    read: np.ndarray  # share of a schistocyte by the readings, 0-1; NaN where not read or not assessable by both
    truth: np.ndarray  # 1 schistocyte, 0 none, UNKNOWN: readings first, then labels and health
    truth_weight: np.ndarray  # cells that this one stands for in figures
    is_read: np.ndarray  # True where two readers read the cell, whatever they said
    hidden: np.ndarray  # share of the outline in common with other objects, 0-1
    original_label: np.ndarray = None  # class index or UNKNOWN, before the readings

    def counted(self):
        """Objects that the segmenter would count."""
        return self.kind == COUNTED_KIND

    def callable(self):
        """Objects of which enough is seen for the program to call them a schistocyte."""
        return self.hidden <= MAX_HIDDEN_SHARE

    def digest(self):
        """SHA-256 over crops and labels, for provenance and to refuse a checkpoint of other data."""
        state = hashlib.sha256()
        for array in (self.crops, self.label, self.healthy, self.red, self.read):
            state.update(np.ascontiguousarray(array).tobytes())
        state.update("\n".join(f"{s}/{f}/{p}" for s, f, p in zip(self.source, self.field, self.part)).encode())
        return state.hexdigest()


def export_crops(binary, data, folder):
    """Run the program for each group; a group whose table is already there is kept.

    A field that the program refuses (no red cell to take the scale from) is named and left out.
    """
    jobs = defaultdict(list)
    splits = labels.chula_splits(data)
    for source in labels.SOURCES:
        for path in sorted((data / source.images).iterdir()):
            if source.name == "chula":
                if path.stem in splits:
                    jobs[f"chula-{int(splits[path.stem][1]):03d}"].append(path)
            else:
                jobs[source.name].append(path)
    for seed, diameter_px in labels.DRAWN:
        name = f"synth-{seed}"
        drawn = drawn_folder(folder) / name
        if not drawn.exists():
            words = {"--seed": seed, "--fields": labels.DRAWN_FIELDS, "--cell-diameter-px": diameter_px}
            words["--schistocyte-fraction"] = labels.DRAWN_SCHISTOCYTES
            options = [str(word) for pair in words.items() for word in pair]
            subprocess.run([str(binary), "synth", "--out", str(drawn), *options], check=True, stdout=subprocess.DEVNULL)
        jobs[name] = sorted(drawn.glob("*.png"))
    for name, paths in jobs.items():
        out = folder / name
        while paths and not (out / "crops.csv").exists():
            done = subprocess.run(
                [str(binary), "crops", *map(str, paths), "--out", str(out)], stderr=subprocess.PIPE, text=True
            )
            if done.returncode == 0:
                break
            refused = [path for path in paths if path.name in done.stderr]
            if not refused:
                raise RuntimeError(f"{binary}: {done.stderr.strip()}")
            print(done.stderr.strip(), flush=True)
            paths = [path for path in paths if path not in refused]


def drawn_folder(folder):
    """Where the drawn fields of an export lie."""
    return folder.parent / f"{folder.name}-drawn"


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _point_labels(rows, fields, label_folder, points_of):
    """Class of every object that holds exactly one point."""
    per_field = defaultdict(dict)
    for index, row in enumerate(rows):
        per_field[row["field"]][int(row["label"])] = index
    result = np.full(len(rows), UNKNOWN)
    for field, objects in per_field.items():
        scale = float(fields[field]["original_px_per_px"])
        label_map = _label_map(label_folder, field)
        holders = defaultdict(list)
        for x, y, value in points_of(field):
            row = min(int(y / scale), label_map.shape[0] - 1)
            column = min(int(x / scale), label_map.shape[1] - 1)
            holders[int(label_map[row, column])].append(value)
        for label, values in holders.items():
            if label > 0 and len(values) == 1 and label in objects:
                result[objects[label]] = values[0]
    return result


def _label_map(folder, field):
    for name in (f"{field}.png", f"{Path(field).stem}.png"):
        if (folder / name).exists():
            return cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)
    raise FileNotFoundError(f"{folder}: expected the label map of {field}; run the export again")


def _red_from_boxes(rows, boxes_of):
    """1, 0 or UNKNOWN for each object, from the boxes of its image."""
    per_field = defaultdict(list)
    for index, row in enumerate(rows):
        per_field[row["field"]].append(index)
    result = np.full(len(rows), UNKNOWN)
    for field, members in per_field.items():
        boxes = boxes_of(field)
        if not boxes:
            continue
        theirs = np.array([[b.x_min, b.y_min, b.x_max, b.y_max] for b in boxes])
        iou, covered = _overlaps(_boxes_of(rows, members), theirs)
        is_red = np.array([b.kind == "red_cell" for b in boxes])
        for i, j in _pairs(iou):
            result[members[i]] = int(is_red[j])
        inside = covered[:, ~is_red].max(axis=1, initial=0) >= INSIDE_SHARE
        for position, index in enumerate(members):
            if result[index] == UNKNOWN and inside[position]:
                result[index] = 0
    return result


def _classes_from_truth(rows, truth_folder):
    """Class of every object that covers a drawn cell."""
    per_field = defaultdict(list)
    for index, row in enumerate(rows):
        per_field[row["field"]].append(index)
    result = np.full(len(rows), UNKNOWN)
    for field, members in per_field.items():
        drawn = np.array(labels.drawn_cells(truth_folder, field))
        if not len(drawn):
            continue
        for i, j in _pairs(_overlaps(_boxes_of(rows, members), drawn[:, :4])[0]):
            result[members[i]] = int(drawn[j, 4])
    return result


def _join_readings(cells, every):
    """Fills `read`, `truth`, `truth_weight`, takes back labels that the readings contradict; returns the readings joined.

    In: cells with labels and health, all readings. METHOD: both readings of a cell count the same; where one could not
    assess the cell the other teaches alone, but figures leave the cell aside.
    """
    places = defaultdict(list)
    for index, (source, field) in enumerate(zip(cells.source, cells.field)):
        places[source, field].append(index)
    read_as = {source.read_as: source.name for source in labels.SOURCES}
    joined = 0
    for reading in every:
        members = places.get((read_as[reading.set], reading.image))
        if not members:
            continue
        boxes = cells.box[members]
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        distance = np.hypot(*(middle - (reading.x, reading.y)).T) / np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T)
        if distance.min() > READ_DISTANCE:
            continue
        index = members[int(distance.argmin())]
        joined += 1
        cells.is_read[index] = True
        shares = [readings.VALUES[answer[0]] for answer in (reading.a, reading.b) if answer[0] in readings.VALUES]
        cells.read[index] = np.mean(shares) if shares else np.nan
        cells.truth[index] = {"schistocyte": 1, "none": 0}.get(reading.consensus, UNKNOWN)
        cells.truth_weight[index] = 1 if reading.stratum == STANDS_FOR_LABELED else reading.weight
        said_schistocyte = cells.label[index] == labels.SCHISTOCYTE
        if said_schistocyte or (shares and np.mean(shares) > readings.NONE_TO):
            cells.label[index] = UNKNOWN
        if not shares or np.mean(shares) > readings.NONE_TO:
            cells.healthy[index] = False
    return joined


def _pairs(iou):
    """One-to-one pairs of rows and columns from `MATCH_IOU` on, the greatest overlap first."""
    free = iou.copy()
    while free.max(initial=0) >= MATCH_IOU:
        i, j = np.unravel_index(free.argmax(), free.shape)
        yield i, j
        free[i, :] = free[:, j] = 0


def _boxes_of(rows, members):
    return np.array([[float(rows[i][k]) for k in ("x_min", "y_min", "x_max", "y_max")] for i in members])


def _overlaps(mine, theirs):
    """IoU and shared area over own area, for each pair of boxes."""
    low = np.maximum(mine[:, None, :2], theirs[None, :, :2])
    high = np.minimum(mine[:, None, 2:], theirs[None, :, 2:])
    overlap = np.prod(np.clip(high - low, 0, None), axis=2)
    area = np.prod(mine[:, 2:] - mine[:, :2], axis=1)
    box_area = np.prod(theirs[:, 2:] - theirs[:, :2], axis=1)
    return overlap / (area[:, None] + box_area[None] - overlap), overlap / area[:, None]


def load_cells(data, folder):
    """Join every export below `folder` with its labels and readings; the set is read off the export's name."""
    splits = labels.chula_splits(data)
    collected = defaultdict(list)
    for table in sorted(folder.glob("*/crops.csv")):
        name = next((s.name for s in (*labels.SOURCES, labels.SYNTHETIC) if table.parent.name.startswith(s.name)), None)
        if name is None:
            raise ValueError(f"{table.parent}: expected a name that begins with a set's name")
        source = labels.source_named(name)
        rows = _rows(table)
        if not rows:
            continue
        fields = {row["field"]: row for row in _rows(table.parent / "fields.csv")}
        if source.kind == "points":
            stems = [Path(row["field"]).stem for row in rows]
            label = _point_labels(
                rows, fields, table.parent / "labels", lambda field: labels.chula_points(data, Path(field).stem)
            )
            red = np.where(label != UNKNOWN, 1, UNKNOWN)
            part = [splits[stem][0] for stem in stems]
            group = [splits[stem][1] for stem in stems]
        elif source.kind == "truth":
            label = _classes_from_truth(rows, drawn_folder(folder) / table.parent.name)
            red = np.where(label != UNKNOWN, 1, UNKNOWN)
            part = ["train"] * len(rows)
            group = [table.parent.name] * len(rows)
        else:
            label = np.full(len(rows), UNKNOWN)
            has_boxes = source.kind == "boxes"
            red = _red_from_boxes(rows, lambda field: labels.boxes(data, source, field) if has_boxes else [])
            part = ["test" if name == labels.LEFT_OUT else labels.hashed_part(row["field"]) for row in rows]
            group = [row["field"] for row in rows]
        collected["crops"].append(np.load(table.parent / "crops.npy"))
        collected["source"].append(np.array([name] * len(rows)))
        collected["field"].append(np.array([row["field"] for row in rows]))
        collected["group"].append(np.array(group))
        collected["part"].append(np.array(part))
        collected["kind"].append(np.array([row["kind"] for row in rows]))
        collected["label"].append(label)
        collected["healthy"].append(np.full(len(rows), source.healthy))
        collected["red"].append(red)
        collected["cell_id"].append(np.array([row["cell_id"] for row in rows]))
        collected["box"].append(_boxes_of(rows, range(len(rows))))
        collected["hidden"].append(np.array([float(row["hidden_share"]) for row in rows]))
    if not collected:
        raise FileNotFoundError(f"{folder}: expected exports with crops.csv, found none; give --binary")
    label, healthy = (np.concatenate(collected[key]) for key in ("label", "healthy"))
    cells = Cells(
        **{key: np.concatenate(parts) for key, parts in collected.items()},
        read=np.full(len(label), np.nan),
        truth=np.where((label >= 0) & (label != labels.SCHISTOCYTE) | healthy, 0, UNKNOWN),
        truth_weight=np.ones(len(label)),
        is_read=np.zeros(len(label), bool),
    )
    cells.original_label = label.copy()
    every = readings.read_tables()
    print(f"{_join_readings(cells, every)} of {len(every)} readings belong to an object", flush=True)
    return cells


def describe(cells):
    """One line for each set and part: what there is to learn from and to measure on."""
    lines = []
    for source in (*labels.SOURCES, labels.SYNTHETIC):
        for part in ("train", "val", "test"):
            here = (cells.source == source.name) & (cells.part == part)
            if here.any():
                lines.append(
                    f"{source.name:7} {part:5} objects {here.sum():6} counted {(here & cells.counted()).sum():6} "
                    f"labeled {(here & (cells.label >= 0)).sum():6} "
                    f"schistocytes {(here & (cells.original_label == labels.SCHISTOCYTE)).sum():4} "
                    f"read {(here & cells.is_read).sum():5} as one {(here & cells.is_read & (cells.truth == 1)).sum():4} "
                    f"red {(here & (cells.red == 1)).sum():6} not red {(here & (cells.red == 0)).sum():5}"
                )
    return "\n".join(lines)
