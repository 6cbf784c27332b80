"""Exit codes are results or exceptions with the program's own message."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import schistoquant
from schistoquant import (
    EngineUnusable,
    Interrupted,
    NoReadableInput,
    OutputNotWritable,
    ProgramFailed,
    ProgramNotFound,
    UsageError,
    analyze,
)


def test_failed_inputs_are_part_of_a_case(fixtures: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture", encoding="utf-8")
    case = analyze([fixtures / "specimen", broken])
    assert (case.state, case.count.schistocytes, case.count.red_cells) == ("above", 39, 1273)
    [failed] = case.failed_inputs
    assert failed.path == str(broken)
    assert failed.reason.startswith("expected a JPEG, PNG, TIFF, BMP or WebP image, found text")
    assert any("broken.jpg" in note for note in case.notes)


def test_not_assessable_is_a_result(fixtures: Path) -> None:
    case = analyze(fixtures / "fields/quality/blurred.png")
    assert (case.state, case.count.percent, case.interval_95) == ("not_assessable", None, None)
    [field] = case.fields
    assert not field.accepted
    assert field.refusals == ("focus_per_um is 0.58, expected at least 0.6: focus and photograph again",)
    assert [tile for tile in case.tiles if tile.kind == "called"] == []


def test_too_few_cells_are_a_result(fixtures: Path) -> None:
    case = analyze(fixtures / "specimen/field-0001.jpg")
    assert (case.state, case.count.schistocytes, case.count.red_cells) == ("insufficient", 3, 68)
    assert case.count.field_bootstrap_95 is None


def test_usage_is_an_exception(fixtures: Path) -> None:
    with pytest.raises(UsageError, match="--um-per-px") as raised:
        analyze(fixtures / "specimen", um_per_px=-1)
    assert raised.value.exit_code == 2
    assert "--um-per-px=-1" in raised.value.command


def test_nothing_readable_is_an_exception(tmp_path: Path) -> None:
    with pytest.raises(NoReadableInput) as raised:
        analyze(tmp_path / "none")
    assert raised.value.exit_code == 3
    assert raised.value.message.startswith("expected at least one readable image, found none; ")


def test_an_unusable_engine_is_an_exception(fixtures: Path) -> None:
    with pytest.raises(EngineUnusable, match="expected an ONNX Runtime library file") as raised:
        analyze(fixtures / "specimen", engine="onnxruntime", onnxruntime="/no/such/library.so")
    assert raised.value.exit_code == 5


def test_an_output_that_cannot_be_written_is_an_exception(fixtures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputNotWritable, match="expected an output folder") as raised:
        analyze(fixtures / "specimen", out=tmp_path / "file")
    assert raised.value.exit_code == 6


@pytest.mark.parametrize(
    ("body", "exception", "exit_code", "message"),
    [
        ("echo 'error: stopped' >&2; exit 130", Interrupted, 130, "stopped"),
        ("echo 'a panic' >&2; exit 101", ProgramFailed, 101, "a panic"),
        ("kill -9 $$", ProgramFailed, -9, "the program said nothing (ended by signal 9)"),
    ],
)
def test_other_ends_are_exceptions(
    body: str,
    exception: type[schistoquant.SchistoquantError],
    exit_code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The real program does not end so at will.
    program = tmp_path / "schistoquant"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("schistoquant.program.find_program", lambda: program)
    with pytest.raises(exception) as raised:
        analyze("anything")
    assert (raised.value.exit_code, raised.value.message) == (exit_code, message)


def test_a_missing_program_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(ProgramNotFound, match="pip install"):
        analyze("anything")


def test_an_interrupt_ends_the_program_too(tmp_path: Path) -> None:
    # A program that would run for a minute, and says when it began and when it was told to stop.
    program = tmp_path / "schistoquant"
    program.write_text(
        f"#!/bin/sh\ntrap 'touch {tmp_path}/stopped; exit 130' TERM\n"
        f"touch {tmp_path}/began\nsleep 60 >/dev/null 2>&1 & wait\n",
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = (
        "import pathlib, signal, schistoquant.program as p\n"
        # Who runs the tests in the background may have told all of them to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"p.find_program = lambda: pathlib.Path({str(program)!r})\n"
        "p.call(p.CommandLine('analyze'))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as python:
        for _ in range(600):
            if (tmp_path / "began").exists():
                break
            time.sleep(0.05)
        python.send_signal(signal.SIGINT)
        _, stderr = python.communicate(timeout=30)
    assert "KeyboardInterrupt" in stderr
    assert (tmp_path / "stopped").exists()
