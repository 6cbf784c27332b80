"""``batch``: many specimens, to tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from .analysis import formats_with_record
from .case import Case
from .errors import UnknownRecord
from .options import AgeGroup, Engine, ReportFormat
from .program import CommandLine, StrPath, call
from .tables import arrow_table, csv_frame, csv_rows, data_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class FailedSpecimen:
    """A specimen without a result: its line in the manifest, the exit code it would have had alone, and why."""

    line: int
    accession: Optional[str]
    exit_code: int
    reason: str


@dataclass(frozen=True)
class Batch:
    """The results of many specimens.

    >>> from schistoquant import Batch
    >>> batch = Batch.open("result")  # doctest: +SKIP
    >>> batch.specimens()[["accession", "percent", "state"]]  # doctest: +SKIP
    """

    folder: Path
    notes: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def open(cls, folder: StrPath) -> Batch:
        """Opens a folder that ``batch`` or ``merge`` wrote."""
        path = Path(folder)
        if not (path / "specimens.csv").is_file():
            raise UnknownRecord(f"{path}: expected specimens.csv, found none; name the folder that `schistoquant batch` wrote")
        return cls(path)

    def specimens(self) -> pd.DataFrame:
        """One row for each specimen, finished or not (columns: ``docs/files.md``). Needs the extra ``research``.

        Of a specimen without a result ``state`` is ``failed``, and its figures are missing. Columns of the manifest stand at
        the end as texts; one that a spreadsheet would run as a formula has an apostrophe in front.
        """
        path = self.folder / "specimens.csv"
        with path.open(encoding="utf-8", newline="") as file:
            names = next(csv.reader(file))
        own = set(names[: names.index("reason") + 1])
        return csv_frame(path, lambda name: _type_of(name) if name in own else "string")

    def finished(self) -> pd.DataFrame:
        """The specimen table: one row for each finished specimen, with every figure. Needs the extra ``research``."""
        return data_frame(self.finished_arrow())

    def finished_arrow(self) -> pa.Table:
        """The same as a table of pyarrow."""
        return arrow_table(self.folder / "specimens.parquet")

    def cells(self) -> pd.DataFrame:
        """One row for each object of every specimen, with ``accession`` and ``job`` in front. Needs the extra ``research``."""
        return data_frame(self.cells_arrow())

    def cells_arrow(self) -> pa.Table:
        """The same as a table of pyarrow."""
        return arrow_table(self.folder / "cells.parquet")

    @property
    def failures(self) -> tuple[FailedSpecimen, ...]:
        """Specimens without a result, and why."""
        rows = csv_rows(self.folder / "failures.csv")
        return tuple(
            FailedSpecimen(int(row["line"] or ""), row["accession"], int(row["exit_code"] or ""), row["reason"] or "") for row in rows
        )

    @property
    def repeated(self) -> tuple[dict[str, Optional[str]], ...]:
        """Pictures that two specimens show, as rows of ``repeated.csv``."""
        return tuple(csv_rows(self.folder / "repeated.csv"))

    def cases(self) -> Iterator[Case]:
        """The case of each finished specimen, in the order of the table."""
        for row in csv_rows(self.folder / "specimens.csv"):
            if row["folder"] is not None:
                yield Case.open(self.folder / "specimens" / row["folder"])


_COUNTS = {"line", "red_cells", "schistocytes", "fields", "fields_accepted", "failed_inputs", "exit_code"}


def _type_of(name: str) -> str:
    """The type of a column of ``specimens.csv`` that the program makes."""
    if name in _COUNTS or name.startswith("refused_by_"):
        return "Int64"
    if name == "percent" or name.endswith("_percent") or name.startswith("median_"):
        return "Float64"
    return "string"


def batch(
    specimens: StrPath,
    *,
    out: StrPath,
    group: Optional[str] = None,
    shard: Optional[tuple[int, int]] = None,
    resume: bool = False,
    um_per_px: Optional[float] = None,
    age_group: Optional[AgeGroup] = None,
    min_cells: Optional[int] = None,
    config: Optional[StrPath] = None,
    model: Optional[StrPath] = None,
    engine: Optional[Engine] = None,
    onnxruntime: Optional[StrPath] = None,
    threads: Optional[int] = None,
    format: Iterable[ReportFormat] = ("html",),
    require_review: bool = False,
) -> Batch:
    """Counts the schistocytes of many specimens. For research use only.

    ``specimens`` is a manifest (CSV) or a folder with a folder for each specimen. The keywords are the options of
    ``schistoquant batch`` (``docs/command-line.md``); ``shard`` is ``(k, n)`` for part k of n. A specimen that failed stops
    nothing and stands in ``failures``.

    >>> from schistoquant import batch
    >>> result = batch("films", out="result")  # doctest: +SKIP
    >>> result.failures  # doctest: +SKIP
    ()
    """
    line = CommandLine("batch")
    line.value("--out", out)
    line.value("--group", group)
    line.value("--shard", None if shard is None else f"{shard[0]}/{shard[1]}")
    line.switch("--resume", resume)
    line.value("--um-per-px", um_per_px)
    line.value("--age-group", age_group)
    line.value("--min-cells", min_cells)
    line.value("--config", config)
    line.inference(model, engine, onnxruntime, threads)
    line.several("--format", formats_with_record(format))
    line.switch("--require-review", require_review)
    line.inputs(specimens)
    finished = call(line)
    return Batch(Path(out), finished.notes)
