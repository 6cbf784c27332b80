"""A batch and an evaluation say what the program's tables say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from schistoquant import Batch, Evaluation, NoReadableInput, UnknownRecord, UsageError, batch, evaluate


@pytest.fixture(scope="module")
def films(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Three specimens: the whole film, one field of it, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("films")
    shutil.copytree(fixtures / "specimen", folder / "in/whole")
    (folder / "in/one").mkdir()
    shutil.copy(fixtures / "fields/quality/blurred.png", folder / "in/one")
    (folder / "in/broken").mkdir()
    (folder / "in/broken/broken.jpg").write_text("no picture", encoding="utf-8")
    return batch(folder / "in", out=folder / "out")


def test_a_row_for_each_specimen(films: Batch) -> None:
    specimens = films.specimens().set_index("accession")
    assert specimens["state"].to_dict() == {"broken": "failed", "one": "not_assessable", "whole": "above"}
    assert (specimens.loc["whole", "schistocytes"], specimens.loc["whole", "red_cells"]) == (39, 1273)
    assert specimens["percent"].isna().to_dict() == {"broken": True, "one": True, "whole": False}
    assert specimens["line"].tolist() == [1, 2, 3]
    finished = films.finished().set_index("accession")
    assert finished["red_cells"].to_dict() == {"one": 0, "whole": 1273}
    assert finished.loc["whole", "form_crescent"] == 15
    assert films.finished_arrow().num_rows == 2


def test_columns_of_a_manifest_stay_texts(fixtures: Path, tmp_path: Path) -> None:
    picture = fixtures / "specimen/field-0001.jpg"
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"accession,inputs,ward,hb_percent\nNA,{picture},007,1e3\n", encoding="utf-8")
    [row] = batch(manifest, out=tmp_path / "out").specimens().to_dict("records")
    assert (row["accession"], row["ward"], row["hb_percent"]) == ("NA", "007", "1e3")
    assert (row["schistocytes"], row["red_cells"], row["state"]) == (3, 68, "insufficient")


def test_failures_are_named(films: Batch) -> None:
    [failure] = films.failures
    assert (failure.accession, failure.exit_code) == ("broken", 3)
    assert "broken.jpg" in failure.reason
    assert films.repeated == ()


def test_cells_and_cases_belong_to_the_specimens(films: Batch) -> None:
    cells = films.cells()
    counted = cells["status"] == "counted"
    assert counted.groupby(cells["accession"]).sum().to_dict() == {"one": 0, "whole": 1273}
    cases = {case.accession: case for case in films.cases()}
    assert {name: case.state for name, case in cases.items()} == {"one": "not_assessable", "whole": "above"}
    assert len([tile for tile in cases["whole"].tiles if tile.kind == "called"]) == 39
    assert {case.job for case in cases.values()} == set(cells["job"])


def test_a_batch_is_opened_and_resumed(films: Batch) -> None:
    assert Batch.open(films.folder) == Batch(films.folder)
    with pytest.raises(UnknownRecord, match=r"expected specimens\.csv"):
        Batch.open(films.folder / "specimens")
    with pytest.raises(UsageError, match="--resume"):
        batch(films.folder.parent / "in", out=films.folder)
    again = batch(films.folder.parent / "in", out=films.folder, resume=True)
    assert again.specimens().equals(films.specimens())


def test_an_evaluation_states_shares_with_intervals(fixtures: Path) -> None:
    evaluation = evaluate(fixtures / "specimen", labels=fixtures / "specimen")
    sensitivity = evaluation.sensitivity
    assert (sensitivity.count, sensitivity.n, sensitivity.value) == (39, 51, 0.764706)
    assert sensitivity.interval_95 is not None
    assert sensitivity.interval_95.low == pytest.approx(0.6324, abs=1e-4)
    assert (evaluation.specificity.count, evaluation.specificity.n) == (1229, 1229)
    assert evaluation.precision.value == 1.0
    cells = evaluation.cells()
    missed = cells[(cells["truth"] == "schistocyte") & (cells["called"] != "schistocyte").fillna(True)]
    assert missed["outcome"].value_counts().to_dict() == {"frame_edge": 7, "own": 5}
    assert Evaluation.open(evaluation.folder).record == evaluation.record
    assert evaluation.failed_inputs == ()


def test_figures_of_refused_fields_have_no_value(fixtures: Path) -> None:
    evaluation = evaluate(fixtures / "fields/quality/blurred.png", expect_none=True)
    assert (evaluation.sensitivity.value, evaluation.sensitivity.interval_95) == (None, None)


def test_fields_without_labels_are_an_exception(fixtures: Path, tmp_path: Path) -> None:
    shutil.copy(fixtures / "specimen/field-0001.truth.json", tmp_path)
    with pytest.raises(NoReadableInput, match="label"):
        evaluate(fixtures / "specimen/field-0002.jpg", labels=tmp_path)


def test_a_plain_install_says_what_tables_need(fixtures: Path, tmp_path: Path) -> None:
    # As without the extra: these libraries cannot be imported.
    for name in ("pandas", "pyarrow", "PIL"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('left out')\n", encoding="utf-8")
    script = (
        "import sys, schistoquant\n"
        f"case = schistoquant.analyze({str(fixtures / 'specimen')!r})\n"
        "print(case.state, case.count.schistocytes, len(case.tiles[0].picture.data) > 1000)\n"
        "for ask in (case.cells, case.specimen, case.tiles[0].picture.image):\n"
        "    try:\n        ask()\n    except schistoquant.MissingExtra as error:\n        print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment).stdout
    remedy = "pip install 'schistoquant[research]'"
    assert printed.splitlines() == [
        "above 39 True",
        f"tables need pandas and pyarrow: {remedy}",
        f"tables need pandas and pyarrow: {remedy}",
        f"pictures need Pillow: {remedy}",
    ]
