"""Reads the label files of the sets and says which images may be trained on.

In: the data folder (`chula-rbc-12/`, `cbc/training/`, `txl-pbc/pbc/`, `txl-pbc/raabin/`, `chula-diseases/`). Out: points
with a class (x right, y down, original pixels) or boxes (x_min, y_min, x_max, y_max, same axes) for each image, and a
part (`train`, `val`, `test`) for each image.

Split rules:
1. chula-rbc-12: the `split` column of `split.csv` (acquisition blocks and duplicates stay together); never by cell.
2. box sets: SHA-1 of the file name, read as a number, modulo 5: 0 is `test` (never trained on, never tuned on),
   1 is `val` (choice of hyperparameters and of the operating point), 2 to 4 are `train`.
3. chula-diseases: `hs`, `iron-deficiency` and `megaloblastic` as the box sets; `thalassemia` is `test` as a whole, the
   one film with fragments of another magnification that no training sees.
"""

import csv
import hashlib
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import cv2

CLASSES = [
    "normal",
    "macrocyte",
    "microcyte",
    "spherocyte",
    "target",
    "stomatocyte",
    "ovalocyte",
    "teardrop",
    "burr",
    "schistocyte",
    "uncategorised",
    "hypochromia",
    "elliptocyte",
]
SCHISTOCYTE = CLASSES.index("schistocyte")
UNKNOWN = -1

# Parts of the box sets by SHA-1 of the file name modulo HASH_PARTS.
HASH_PARTS = 5
TEST_REMAINDER = 0
VAL_REMAINDER = 1


@dataclass(frozen=True)
class Box:
    """A labeled rectangle in original pixels; `kind` is `red_cell`, `white_cell` or `platelet`."""

    kind: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True)
class Source:
    """One labeled set: its name, its image folder, the set's name in the readings, its labels, and whether its people are
    taken as free of schistocytes but for cells that a reading calls one."""

    name: str
    images: str
    read_as: str
    kind: str  # points, boxes, none
    healthy: bool


SOURCES = [
    Source("chula", "chula-rbc-12/images", "chula-rbc-12", "points", False),
    Source("cbc", "cbc/training/Images", "cbc/training", "boxes", True),
    Source("pbc", "txl-pbc/pbc/images", "txl-pbc/pbc", "boxes", True),
    Source("raabin", "txl-pbc/raabin/images", "txl-pbc/raabin", "boxes", True),
    Source("hs", "chula-diseases/hs", "chula-diseases/hs", "none", True),
    Source("iron-deficiency", "chula-diseases/iron-deficiency", "chula-diseases/iron-deficiency", "none", True),
    Source("megaloblastic", "chula-diseases/megaloblastic", "chula-diseases/megaloblastic", "none", True),
    Source("thalassemia", "chula-diseases/thalassemia", "chula-diseases/thalassemia", "none", False),
]
# Sets of people without a disease of the blood: what is called there is a false call.
HEALTHY_FILMS = ("pbc", "raabin", "cbc")
# The set that no training sees.
LEFT_OUT = "thalassemia"
# Drawn specimens: seed, cell diameter in px. They show every class under every stain and at many scales, and fragments
# that no set has in number.
SYNTHETIC = Source("synth", "", "", "truth", False)
DRAWN = [(101, 38), (102, 24), (103, 60), (104, 90), (105, 38), (106, 46), (107, 30), (108, 120)]
DRAWN_FIELDS = 8
DRAWN_SCHISTOCYTES = 0.12


def source_named(name):
    """The set of that name."""
    return next(source for source in (*SOURCES, SYNTHETIC) if source.name == name)


def hashed_part(file_name):
    """Part of a box-set image: by its file name alone, so that it never moves when files are added."""
    remainder = int(hashlib.sha1(file_name.encode()).hexdigest(), 16) % HASH_PARTS
    return {TEST_REMAINDER: "test", VAL_REMAINDER: "val"}.get(remainder, "train")


def chula_splits(data):
    """Image stem to (part, group, labeled) from `split.csv`."""
    with open(data / "chula-rbc-12" / "split.csv", newline="") as file:
        return {row["image"]: (row["split"], row["group"], row["labelled"] == "1") for row in csv.DictReader(file)}


def chula_points(data, stem):
    """Points (x, y, class) of one image; an image without a label file has none."""
    path = data / "chula-rbc-12" / "labels" / f"{stem}.txt"
    if not path.exists():
        return []
    points = []
    for line in path.read_text().splitlines():
        columns = line.split()
        if len(columns) == 3:
            points.append((float(columns[0]), float(columns[1]), int(columns[2])))
    return points


def boxes(data, source, file_name):
    """Boxes of one image of a box set."""
    stem = Path(file_name).stem
    if source.name == "cbc":
        return _voc_boxes(data / "cbc" / "training" / "Annotations" / f"{stem}.xml")
    folder = data / "txl-pbc" / source.name
    return _yolo_boxes(folder / "labels" / f"{stem}.txt", folder / "images" / file_name)


def _voc_boxes(path):
    kinds = {"RBC": "red_cell", "WBC": "white_cell", "Platelets": "platelet"}
    found = []
    if not path.exists():
        return found
    for item in ElementTree.parse(path).getroot().iter("object"):
        edge = item.find("bndbox")
        corners = [float(edge.findtext(name)) for name in ("xmin", "ymin", "xmax", "ymax")]
        found.append(Box(kinds[item.findtext("name")], *corners))
    return found


def _yolo_boxes(path, image_path):
    kinds = {"0": "white_cell", "1": "red_cell", "2": "platelet"}
    found = []
    if not path.exists():
        return found
    height, width = cv2.imread(str(image_path), cv2.IMREAD_UNCHANGED).shape[:2]
    for line in path.read_text().splitlines():
        columns = line.split()
        if len(columns) != 5:
            continue
        x, y, w, h = (float(value) for value in columns[1:])
        found.append(
            Box(kinds[columns[0]], (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        )
    return found


def drawn_cells(folder, file_name):
    """Boxes and classes of the red cells of a drawn field: (x_min, y_min, x_max, y_max, class)."""
    truth = json.loads((folder / f"{Path(file_name).stem}.truth.json").read_text())
    return [
        # A microspherocyte alone is a spherocyte: ICSH counts it only beside other forms, so it teaches neither class.
        (*cell["box"], UNKNOWN if cell["form"] == "microspherocyte" else CLASSES.index(cell["class"]))
        for cell in truth["cells"]
        if cell["kind"] == "red_cell" and cell["class"] is not None
    ]
