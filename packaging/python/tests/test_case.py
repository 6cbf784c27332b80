"""A case says what the record of ``fixtures/specimen`` says, and nothing of it turns into 0 or NaN."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from schistoquant import Case, Interval, UnknownRecord, analyze


def test_the_count_is_that_of_the_record(case: Case) -> None:
    assert (case.count.schistocytes, case.count.red_cells, case.state) == (39, 1273, "above")
    assert case.count.percent == 3.063629
    assert case.count.wilson_95 == Interval(low=2.249113, high=4.160568)
    assert case.count.field_bootstrap_95 == Interval(low=2.562167, high=3.518374)
    assert case.count.corrected is not None
    assert case.count.corrected.percent == 3.938271
    assert case.count.corrected.interval_95 == Interval(low=2.792161, high=5.688871)
    assert (case.count.threshold_percent, case.count.min_cells) == (1.0, 1000)
    assert case.count.deciding_low is not None
    assert (case.count.deciding_low.percent, case.count.deciding_low.interval) == (2.364575, "wilson")
    assert case.count.forms == {"crescent": 15, "helmet": 14, "keratocyte": 3, "microspherocyte": 0, "triangle": 7}
    assert case.exclusions == {"frame_edge": 434, "platelet": 90, "white_cell": 4}
    assert case.accession == "S-1"
    assert case.review_status == "preliminary"
    assert case.likeness == "learned"
    assert case.statement.startswith("Schistocytes 3.06 % (95 % CI 2.25–4.16; 39 of 1,273 RBC).")
    assert "For Research Use Only" in str(case)


def test_what_is_not_known_is_none(case: Case) -> None:
    # Intervals of slides, repeated pictures and readings, which this case has not; a grade without a table.
    assert (case.count.sequential_95, case.count.repeatability_95, case.count.reviewed_95) == (None, None, None)
    assert case.count.other_abnormal_percent is None
    assert case.limitations is None
    sizes = {share.name: share.cells for share in case.classes}
    assert (sizes["macrocyte"], sizes["microcyte"], sizes["schistocyte"], sizes["normal"]) == (None, None, 39, 1215)


def test_the_widest_interval_is_that_of_the_specimen_table(case: Case) -> None:
    [row] = case.specimen().to_dict("records")
    assert case.interval_95 == Interval(low=row["widest_95_low_percent"], high=row["widest_95_high_percent"])
    assert (row["schistocytes"], row["red_cells"], row["state"], row["job"]) == (39, 1273, "above", case.job)
    assert case.specimen()["sequential_95_low_percent"].isna().tolist() == [True]


def test_cells_are_the_objects_of_the_program(case: Case) -> None:
    cells = case.cells()
    counted = cells[cells["status"] == "counted"]
    assert len(counted) == 1273
    assert int((counted["class"] == "schistocyte").sum()) == 39
    left_out = cells[cells["status"] == "excluded"]["reason"].value_counts().to_dict()
    assert left_out == {"frame_edge": 434, "platelet": 90, "white_cell": 4}
    with (case.folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["field"], int(row["cell_id"])) for row in rows] == list(zip(cells["field"], cells["cell_id"], strict=True))
    # Blank in the file is missing in the table.
    blank = [row["schistocyte_probability"] == "" for row in rows]
    assert cells["schistocyte_probability"].isna().tolist() == blank
    assert 0 < sum(blank) < len(blank)
    assert case.cells_arrow().num_rows == len(cells)


def test_fields_add_up_to_the_count(case: Case) -> None:
    assert len(case.fields) == 18
    assert sum(field.red_cells for field in case.fields) == 1273
    assert sum(field.schistocytes for field in case.fields) == 39
    first = case.fields[0]
    assert (first.name, first.width_px, first.height_px, first.um_per_px) == ("field-0001.jpg", 640, 480, 0.195004)
    assert first.um_per_px_source == "median_red_cell"
    assert {figure.name for figure in first.quality} >= {"background_gray", "focus_per_um"}


def test_provenance_names_model_and_inputs(case: Case, fixtures: Path) -> None:
    card = json.loads((fixtures.parent / "models/schistoquant-rbc13.card.json").read_text(encoding="utf-8"))
    assert (case.provenance.model, case.provenance.model_version) == ("schistoquant-rbc13", card["version"])
    assert len(case.provenance.input_sha256) == 18
    assert case.provenance.input_sha256["field-0001.jpg"].startswith("be1ca1d826afc9a5")


def test_every_called_cell_has_its_tile(case: Case) -> None:
    called = [tile for tile in case.tiles if tile.kind == "called"]
    cells = case.cells()
    expected = cells[(cells["status"] == "counted") & (cells["class"] == "schistocyte")]
    assert {(tile.field, tile.cell_id) for tile in called} == set(zip(expected["field"], expected["cell_id"], strict=True))
    assert len(called) == 39
    first = called[0]
    assert (first.field, first.field_number, first.cell_id, first.schistocyte_probability) == ("field-0004.jpg", 4, 73, 0.999808)
    assert all(tile.schistocyte_probability is not None for tile in case.tiles)
    assert first.picture is not None
    assert first.picture.image().size == (144, 144)
    [remark] = case.remarks
    assert remark.title == "Pixel size estimated"
    assert remark.text.startswith("In 18 fields the median red cell was taken as 7.5 µm")


def test_pictures_are_made_without_the_images(case: Case) -> None:
    pictures = case.field_pictures()
    assert [*pictures][:2] == ["field-0001.jpg", "field-0002.jpg"]
    assert len(pictures) == 18
    assert pictures["field-0001.jpg"].image().format == "JPEG"
    gallery = case.gallery()
    assert gallery.data.startswith(b"\x89PNG")
    assert gallery._repr_mimebundle_() == {"image/png": gallery.data}
    # They lie apart: the case's folder is as it was.
    assert not (case.folder / "gallery.png").exists()


def test_a_folder_of_the_command_line_is_opened(case: Case, tmp_path: Path) -> None:
    opened = Case.open(case.folder)
    assert opened.record == case.record
    # Without tables in the folder they are made again from the archive.
    for path in case.folder.iterdir():
        if path.suffix != ".parquet" and path.is_file():
            shutil.copy(path, tmp_path)
    files = json.loads((tmp_path / "files.json").read_text(encoding="utf-8"))
    files["files"] = {name: file for name, file in files["files"].items() if not name.endswith(".parquet")}
    (tmp_path / "files.json").write_text(json.dumps(files), encoding="utf-8")
    assert Case.open(tmp_path).cells().equals(case.cells())


def test_tables_of_an_earlier_run_are_not_taken(case: Case, fixtures: Path, tmp_path: Path) -> None:
    first = analyze(fixtures / "specimen", out=tmp_path, accession="S-1")
    again = analyze(fixtures / "specimen", out=tmp_path, accession="S-1", labs=fixtures / "labs/ttp_like.json")
    assert first.job != again.job
    assert again.limitations is not None
    assert "Schistocytes are not specific for TMA." in again.limitations
    assert again.specimen()["job"].tolist() == [again.job]
    # The case that was opened first does not show the figures of the second.
    with pytest.raises(UnknownRecord, match="expected the record that was opened"):
        first.gallery()


def test_an_unknown_schema_is_refused(case: Case, tmp_path: Path) -> None:
    record = {**case.record, "schema_version": "5.0"}
    (tmp_path / "case.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(UnknownRecord, match=r"expected a record of schema version 4, found 5\.0"):
        Case.open(tmp_path)
