"""Sheets of single cells for a blind reading, and the two readings put together.

    python sheets.py choose --crops work/crops --data DATA --model ../schistoquant-rbc13.onnx --from 0.3 --out cells.csv
    python sheets.py draw --data DATA --cells cells.csv --seed 1 --out sheets-a     (and --seed 2 --out sheets-b)
    python sheets.py join --cells cells.csv --a sheets-a answers-a.csv --b sheets-b answers-b.csv --stratum TEXT --out table.csv

`choose` lists the counted cells that nobody has read and that a model scores from `--from` on. `draw` cuts each cell from
its photograph, twice its diameter wide, `CROP_PX` on the sheet, `COLUMNS` by `ROWS`, a four-digit number above, corner
brackets round the cell. The order is drawn by the seed over all sets; neither sheet nor file name tells label, film,
class or probability. `key.csv` says which number is which cell and is not shown to a reader. `join` refuses a number that
is missing, double or unknown, and a letter that readings.py does not know.

Limits: a reader sees what the photograph shows at its own resolution, enlarged by bicubic interpolation.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import cv2
import numpy as np

import readings

COLUMNS, ROWS = 8, 5
CROP_PX = 150
NUMBER_PX = 22
# Width of a crop in diameters (greater side of the box) of its cell.
WIDTH_IN_CELLS = 2.0
# Length of a bracket's arm as a share of the box's side.
BRACKET_SHARE = 0.18
BRACKET_COLOR = (0, 160, 0)
CELL_COLUMNS = ["set", "image", "x", "y", "width", "height", "label"]
KEY_COLUMNS = ["number", *CELL_COLUMNS]
ANSWER_COLUMNS = ["number", "reading"]


def _table(path, columns):
    with open(path, newline="") as file:
        table = csv.DictReader(file)
        if table.fieldnames != columns:
            raise readings.ReadingError(f"{path}: expected the columns {','.join(columns)}; found {table.fieldnames}")
        return list(table)


def _write(path, columns, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def choose(asked):
    """Writes the unread counted cells from a score on."""
    import labels
    import prepare
    import score
    from augment import to_input

    cells = prepare.load_cells(asked.data, asked.crops)
    card = json.loads(asked.model.with_suffix(".card.json").read_text())
    answers = score.answers_of(asked.model, card, to_input(cells.crops), 1)
    parts = asked.parts.split(",")
    wanted = cells.counted() & ~cells.is_read & (cells.source != "synth") & np.isin(cells.part, parts)
    wanted &= (answers.red >= answers.red_point) & (answers.schistocyte >= asked.least)
    rows = []
    for index in np.flatnonzero(wanted):
        low, high = cells.box[index, :2], cells.box[index, 2:]
        x, y = (low + high) / 2
        width, height = high - low
        label = cells.original_label[index]
        rows.append(
            {
                "set": labels.source_named(cells.source[index]).read_as,
                "image": cells.field[index],
                "x": f"{x:.1f}",
                "y": f"{y:.1f}",
                "width": f"{width:.1f}",
                "height": f"{height:.1f}",
                "label": "" if label < 0 else str(label),
            }
        )
    _write(asked.out, CELL_COLUMNS, rows)
    print(f"{len(rows)} cells from {asked.least} that nobody has read")


def image_path(data, row):
    """The photograph of a row; the sets keep theirs in folders of different names."""
    for folder in ("", "images", "Images"):
        path = data / row["set"] / folder / row["image"]
        if path.is_file():
            return path
    raise readings.ReadingError(f"{data / row['set']}: expected the image {row['image']} in it, in images or in Images")


def crop_of(picture, row):
    """One cell with its brackets, `CROP_PX` square, BGR."""
    x, y, width, height = (float(row[name]) for name in ("x", "y", "width", "height"))
    side = max(WIDTH_IN_CELLS * max(width, height), 8.0)
    scale = CROP_PX / side
    matrix = np.array([[scale, 0, CROP_PX / 2 - scale * x], [0, scale, CROP_PX / 2 - scale * y]])
    crop = cv2.warpAffine(
        picture, matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(128,) * 3
    )
    half = np.array([width, height]) / 2 * scale + 3
    for sign in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        corner = CROP_PX / 2 + half * sign
        for axis in (0, 1):
            end = corner.copy()
            end[axis] -= sign[axis] * BRACKET_SHARE * 2 * half[axis]
            start, stop = (tuple(int(round(value)) for value in point) for point in (corner, end))
            cv2.line(crop, start, stop, BRACKET_COLOR, 1)
    return crop


def draw(asked):
    """Writes the sheets and their key."""
    rows = _table(asked.cells, CELL_COLUMNS)
    order = np.random.default_rng(asked.seed).permutation(len(rows))
    asked.out.mkdir(parents=True)
    pictures, key = {}, []
    per_sheet = COLUMNS * ROWS
    for start in range(0, len(order), per_sheet):
        sheet = np.full((ROWS * (CROP_PX + NUMBER_PX), COLUMNS * CROP_PX, 3), 255, np.uint8)
        for place, index in enumerate(order[start : start + per_sheet]):
            row, number = rows[index], f"{start + place + 1:04d}"
            path = image_path(asked.data, row)
            if path not in pictures:
                pictures[path] = cv2.imread(str(path), cv2.IMREAD_COLOR)
            left, top = place % COLUMNS * CROP_PX, place // COLUMNS * (CROP_PX + NUMBER_PX)
            cv2.putText(sheet, number, (left + 50, top + 17), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
            tile = crop_of(pictures[path], row)
            tile[:, -1] = 255
            sheet[top + NUMBER_PX : top + NUMBER_PX + CROP_PX, left : left + CROP_PX] = tile
            key.append({"number": number, **row})
        cv2.imwrite(str(asked.out / f"sheet-{start // per_sheet + 1:03d}.png"), sheet)
    _write(asked.out / "key.csv", KEY_COLUMNS, key)
    print(f"{len(rows)} cells on {-(-len(rows) // per_sheet)} sheets")


def answers(folder, path):
    """The checked answers of one reader, by cell."""
    key = {row["number"]: row for row in _table(folder / "key.csv", KEY_COLUMNS)}
    found = {}
    for line, row in enumerate(_table(path, ANSWER_COLUMNS), start=2):
        number = row["number"]
        if number not in key or number in found:
            raise readings.ReadingError(f"{path}, line {line}: expected each number of the sheets once; found `{number}`")
        found[number] = readings.letter(row["reading"], f"{path}, line {line}")
    missing = sorted(set(key) - set(found))
    if missing:
        raise readings.ReadingError(f"{path}: expected {len(key)} answers; {len(missing)} are missing, the first {missing[0]}")
    return {tuple(key[number][name] for name in CELL_COLUMNS): answer for number, answer in found.items()}


def join(asked):
    """Writes the table of both readings in the order of the cells."""
    a, b = (answers(Path(folder), Path(path)) for folder, path in (asked.a, asked.b))
    rows = []
    for row in _table(asked.cells, CELL_COLUMNS):
        cell = tuple(row[name] for name in CELL_COLUMNS)
        if cell not in a or cell not in b:
            raise readings.ReadingError(f"{asked.cells}: expected the cells of both sheets; {cell} is not on them")
        rows.append({**row, "reading_a": a[cell], "reading_b": b[cell], "weight": "1.0", "stratum": asked.stratum})
    _write(asked.out, readings.COLUMNS, rows)
    print(readings.agreement(readings.read_table(asked.out)))


def main():
    """Choose, draw or join."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("choose")
    step.add_argument("--crops", type=Path, required=True)
    step.add_argument("--data", type=Path, required=True)
    step.add_argument("--model", type=Path, required=True)
    step.add_argument("--from", dest="least", type=float, required=True)
    step.add_argument("--parts", default="train,val", help="comma-separated (default train,val)")
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=choose)
    step = steps.add_parser("draw")
    step.add_argument("--data", type=Path, required=True)
    step.add_argument("--cells", type=Path, required=True)
    step.add_argument("--seed", type=int, required=True)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=draw)
    step = steps.add_parser("join")
    step.add_argument("--cells", type=Path, required=True)
    step.add_argument("--a", nargs=2, metavar=("SHEETS", "ANSWERS"), required=True)
    step.add_argument("--b", nargs=2, metavar=("SHEETS", "ANSWERS"), required=True)
    step.add_argument("--stratum", required=True)
    step.add_argument("--out", type=Path, required=True)
    step.set_defaults(run=join)
    asked = parser.parse_args()
    return asked.run(asked)


if __name__ == "__main__":
    sys.exit(main())
