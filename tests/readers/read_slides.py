"""Reports on the slides of make_slides.py, against each other and against the pixels of the slides.

    python tests/readers/read_slides.py MADE REPORTS

Lossless copies give the same rows, OME-XML but for the figures that its pixel size, given to more digits, moves in the last
place; JPEG gives the same number of cells to one in twenty; every outline of the GeoJSON lies on
stained pixels of the slide at full resolution, read by tifffile.
"""

import csv
import json
import sys
from pathlib import Path

import tifffile

made, reports = Path(sys.argv[1]), Path(sys.argv[2])


def rows(name):
    table = csv.DictReader(open(reports / name / "cells.csv"))
    return [{key: value for key, value in row.items() if key != "field"} for row in table]


lossless = ["raw", "raw-big-endian", "deflate", "lzw", "lzw-bigtiff", "packbits", "jpeg2000"]
first = rows("raw.tiff")
assert len(first) > 500, len(first)
for name in lossless:
    assert rows(f"{name}.tiff") == first, f"{name}: other cells"
moved = ("diameter_um", "class_probability", "schistocyte_probability")
for row, other in zip(first, rows("sub-levels.ome.tiff"), strict=True):
    for key in row:
        same = row[key] == other[key] or key in moved and abs(float(row[key]) - float(other[key])) < 0.002
        assert same, ("sub-levels.ome.tiff", key, row, other)
counted = [sum(row["status"] == "counted" for row in rows(name)) for name in ("raw.tiff", "jpeg.tiff")]
assert abs(counted[0] - counted[1]) <= counted[0] / 20, counted

pixels = tifffile.TiffFile(made / "raw.tiff").pages[0].asarray()
files = list((reports / "raw.tiff" / "geojson").glob("*.geojson"))
assert len(files) == 1, files
features = json.load(open(files[0]))["features"]
cells = [f for f in features if f["properties"]["objectType"] == "detection"]
fields = [f for f in features if f["properties"]["objectType"] == "annotation"]
record = json.load(open(reports / "raw.tiff" / "case.json"))
assert len(fields) == len(record["fields"]) and len(cells) == len(first)
stained = 0
for cell in cells:
    ring = cell["geometry"]["coordinates"][0]
    x, y = (sum(point[axis] for point in ring[:-1]) / (len(ring) - 1) for axis in (0, 1))
    around = pixels[max(int(y) - 8, 0) : int(y) + 9, max(int(x) - 8, 0) : int(x) + 9, 1]
    stained += int(around.min()) < 215
assert stained > 0.98 * len(cells), (stained, len(cells))
print(f"{len(cells)} objects, the same in {len(lossless) + 1} files; {counted[0]} and {counted[1]} counted; {stained} outlines on stain")
