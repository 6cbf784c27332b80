"""Reads the outlines with the `geojson` package: `read_geojson.py REPORT_FOLDER`."""

import uuid

import geojson
import pandas

from report import given

report = given()
table = pandas.read_csv(report.folder / "cells.csv")
paths = sorted((report.folder / "geojson").iterdir())
assert len(paths) == len(report.record["fields"])
ids, schistocytes, features = set(), 0, 0
for path in paths:
    assert path.name.startswith(report.base + ".") and path.suffix == ".geojson", path
    collection = geojson.loads(path.read_text(encoding="utf-8"))
    assert isinstance(collection, geojson.FeatureCollection) and collection.is_valid, collection.errors()
    assert collection["footer"] == report.footer and collection["job"] == report.job[:16]
    rows = table[table["field"] == collection["field"]].set_index("cell_id")
    assert len(collection.features) == len(rows)
    for feature in collection.features:
        assert isinstance(feature.geometry, geojson.Polygon) and feature.geometry.is_valid, feature.id
        assert uuid.UUID(feature.id).version == 5
        ids.add(feature.id)
        row = rows.loc[int(feature.properties["name"])]
        assert feature.properties["objectType"] == "detection"
        ring = feature.geometry.coordinates[0]
        xs, ys = [x for x, _ in ring], [y for _, y in ring]
        for found, expected in zip((min(xs), min(ys), max(xs), max(ys)), (row.x_min, row.y_min, row.x_max, row.y_max)):
            assert abs(found - expected) < 0.011, (feature.id, found, expected)
        name = feature.properties["classification"]["name"]
        form = "" if pandas.isna(row.form) else f": {row.form}"
        counted = row.status == "counted"
        expected = row["class"].capitalize() + form if counted else "Excluded: " + row.reason.replace("_", " ")
        assert name == expected, (name, expected)
        assert len(feature.properties["classification"]["color"]) == 3
        schistocytes += name.split(":")[0] == "Schistocyte"
        features += 1
assert len(ids) == features == len(table)
assert schistocytes == report.count["schistocytes"]
print(f"geojson: {features} outlines of {len(paths)} fields, {schistocytes} of them schistocytes")
