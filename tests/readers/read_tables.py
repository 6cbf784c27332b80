"""Reads the tables with `pyarrow` and `pandas`: `read_tables.py REPORT_FOLDER`."""

import pandas
import pyarrow.parquet

from report import given

report = given()
record, count = report.record, report.count

cells = pyarrow.parquet.read_table(report.file("cells.parquet"))
assert cells.schema.metadata[b"footer"].decode() == report.footer
assert cells.schema.metadata[b"job"].decode() == report.job[:16]
frame = cells.to_pandas()
text = pandas.read_csv(report.folder / "cells.csv", dtype={"reason": "str", "class": "str", "form": "str"})
assert list(frame.columns) == list(text.columns)
assert len(frame) == len(text) > count["red_cells"]
for column in frame.columns:
    one, two = frame[column], text[column]
    assert one.isna().equals(two.isna()), f"{column}: null in one, not in the other"
    assert (one.dropna() == two.dropna()).all(), column
counted = frame[frame["status"] == "counted"]
assert len(counted) == count["red_cells"]
assert (counted["class"] == "schistocyte").sum() == count["schistocytes"]
called = counted["class"].value_counts().to_dict()
assert all(called.get(of["class"], 0) == of["cells"] for of in record["classes"] if of["cells"] is not None)
forms = counted["form"].dropna().value_counts().to_dict()
assert forms == {form: cells for form, cells in count["forms"]["by_form"].items() if cells}
assert frame[frame["status"] == "excluded"]["reason"].value_counts().to_dict() == record["exclusions"]
assert list(frame["field"].unique()) == [field["field"] for field in record["fields"] if field["field"] in set(frame["field"])]

specimen = pandas.read_parquet(report.file("specimen.parquet"))
row = specimen.iloc[0]
assert len(specimen) == 1 and row["job"] == report.job[:16] and row["accession"] == record["accession"]
assert row["footer"] == report.footer and row["state"] == count["state"]
assert (row["red_cells"], row["schistocytes"], row["percent"]) == (count["red_cells"], count["schistocytes"], count["percent"])
low, high = report.widest()
assert (row["widest_95_low_percent"], row["widest_95_high_percent"]) == (low, high)
again = pandas.read_csv(report.file("specimen.csv"))
assert list(again.columns) == list(specimen.columns)
assert again.iloc[0]["percent"] == row["percent"]
print(f"tables: {len(frame)} cells and {len(specimen.columns)} figures of the specimen, CSV and Parquet alike")
