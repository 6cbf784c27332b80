"""``evaluate``: model and pipeline on labelled fields, to figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from .count import FailedInput, Interval, Provenance
from .errors import UnknownRecord
from .options import Engine, HashedPart, LabelFormat
from .program import CommandLine, StrPath, call, output_folder
from .tables import csv_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Figure:
    """A measured figure: ``value`` is ``None`` where it is not defined; ``count`` of ``n`` where it is a share."""

    value: Optional[float]
    count: Optional[int]
    n: Optional[int]
    interval_95: Optional[Interval]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Figure:
        """Of an estimate of the record."""
        return cls(record["value"], record["count"], record["n"], Interval.read(record["interval_95"]))


@dataclass(frozen=True)
class Evaluation:
    """What was measured on a set of labelled fields.

    ``record`` holds every key of ``evaluation.json`` (``docs/records.md``), or of ``suite.json`` for a suite. The figures
    named here are those of the called schistocytes, end to end; shares are 0 to 1.

    >>> from schistoquant import evaluate
    >>> evaluation = evaluate("fixtures/specimen", labels="fixtures/specimen")
    >>> evaluation.sensitivity.count, evaluation.sensitivity.n
    (39, 51)
    """

    folder: Path
    record: Mapping[str, Any] = field(repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    _kept: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, folder: StrPath) -> Evaluation:
        """Opens a folder that ``evaluate`` wrote: of a suite, or of a set."""
        path = Path(folder)
        names = [name for name in ("suite.json", "evaluation.json") if (path / name).is_file()]
        if not names:
            raise UnknownRecord(f"{path}: expected evaluation.json, found none; name the folder that `schistoquant evaluate` wrote")
        return cls(path, json.loads((path / names[0]).read_text(encoding="utf-8")))

    @property
    def is_suite(self) -> bool:
        """Whether the record is that of a suite, whose figures stand in ``record["rows"]``."""
        return "rows" in self.record

    @property
    def sensitivity(self) -> Figure:
        """Called schistocytes among the true ones, those that the pipeline left out included."""
        return self._end_to_end("sensitivity")

    @property
    def specificity(self) -> Figure:
        """Cells not called schistocyte among those that are none."""
        return self._end_to_end("specificity")

    @property
    def precision(self) -> Figure:
        """True schistocytes among the called cells of a known truth."""
        return self._end_to_end("precision")

    @property
    def failed_inputs(self) -> tuple[FailedInput, ...]:
        """Inputs that could not be evaluated."""
        return tuple(FailedInput(one["path"], one["reason"]) for one in self._of_one_set("failed_inputs"))

    @property
    def provenance(self) -> Provenance:
        """What made the figures."""
        return Provenance.read(self.record["provenance"])

    def cells(self) -> pd.DataFrame:
        """The cells of known truth and what became of them (columns: ``docs/files.md``). Needs the extra ``research``."""
        numbers = {"x_px", "y_px", "weight", "schistocyte_probability"}
        truths = {"read", "set_aside"}
        return csv_frame(
            self.folder / "cells.csv", lambda name: "Float64" if name in numbers else "boolean" if name in truths else "string"
        )

    def _end_to_end(self, name: str) -> Figure:
        return Figure.read(self._of_one_set("classification")["end_to_end"][name])

    def _of_one_set(self, key: str) -> Any:
        if self.is_suite:
            raise ValueError(f"{self.folder}: expected the record of one set, found a suite; Evaluation.open reads a set below it")
        return self.record[key]


def evaluate(
    paths: Union[StrPath, Iterable[StrPath]] = (),
    *,
    out: Optional[StrPath] = None,
    labels: Optional[StrPath] = None,
    format: Optional[LabelFormat] = None,
    readings: Optional[Union[StrPath, Iterable[StrPath]]] = None,
    unread_are_none: bool = False,
    threshold: Optional[float] = None,
    complete_labels: Optional[bool] = None,
    yolo_names: Optional[Iterable[str]] = None,
    split: Optional[StrPath] = None,
    want: Optional[str] = None,
    part: Optional[HashedPart] = None,
    expect_none: bool = False,
    name: Optional[str] = None,
    um_per_px: Optional[float] = None,
    suite: Optional[StrPath] = None,
    data: Optional[StrPath] = None,
    only: Optional[Iterable[str]] = None,
    against: Optional[StrPath] = None,
    write_card: bool = False,
    model: Optional[StrPath] = None,
    engine: Optional[Engine] = None,
    onnxruntime: Optional[StrPath] = None,
    threads: Optional[int] = None,
) -> Evaluation:
    """Measures model and pipeline on labelled fields.

    ``paths`` are images and folders of images. The keywords are the options of ``schistoquant evaluate``
    (``docs/command-line.md``); ``None`` leaves the program's default. Without ``out`` the files lie in a temporary folder
    that goes with the evaluation. Where the pipeline refused every field, the figures have no value and nothing is raised.

    >>> evaluate("fixtures/specimen", labels="fixtures/specimen").precision.value
    1.0
    """
    folder, kept = output_folder(out)
    line = CommandLine("evaluate")
    line.value("--out", folder)
    line.value("--labels", labels)
    line.value("--format", format)
    line.several("--readings", readings)
    line.switch("--unread-are-none", unread_are_none)
    line.value("--threshold", threshold)
    line.value("--complete-labels", None if complete_labels is None else str(complete_labels).lower())
    line.several("--yolo-names", yolo_names)
    line.value("--split", split)
    line.value("--want", want)
    line.value("--part", part)
    line.switch("--expect-none", expect_none)
    line.value("--name", name)
    line.value("--um-per-px", um_per_px)
    line.value("--suite", suite)
    line.value("--data", data)
    line.several("--only", only)
    line.value("--against", against)
    line.switch("--write-card", write_card)
    line.inference(model, engine, onnxruntime, threads)
    line.inputs(paths)
    finished = call(line)
    record = json.loads((folder / ("evaluation.json" if suite is None else "suite.json")).read_text(encoding="utf-8"))
    return Evaluation(folder, record, finished.notes, kept)
