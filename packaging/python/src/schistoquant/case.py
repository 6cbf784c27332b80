"""A case: the result of one specimen, as typed values over the files that the program wrote.

In: the folder of a specimen (``docs/files.md``). Out: the record with its count, and on demand the tables, the tiles, the
pictures. A file that the folder lacks is made by ``schistoquant report``, which needs no image, in a temporary folder.

Limits: what a person signed after the case was opened is seen when it is opened again.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional

from .count import ClassShare, Count, FailedInput, Field, Interval, Provenance, State
from .errors import UnknownRecord
from .page import Page, Picture, Remark, Tile, read_page
from .program import CommandLine, StrPath, call
from .tables import arrow_table, data_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA_MAJOR = "4"
"""First number of the ``schema_version`` of ``case.json`` that this module reads."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for a formula: the program writes an apostrophe before it to CSV."""

ReviewStatus = Literal["preliminary", "final", "corrected"]
"""How far a result has come: the software's own, signed, signed again."""


@dataclass(frozen=True)
class Case:
    """The result of one specimen. For research use only; preliminary until a qualified professional has signed it.

    ``record`` holds every key of ``case.json``; the properties name the most used ones. A value that is not known is
    ``None``.

    >>> from schistoquant import analyze
    >>> case = analyze("fixtures/specimen")
    >>> case.state, case.count.schistocytes, case.count.red_cells
    ('above', 39, 1273)
    """

    folder: Path
    record: Mapping[str, Any] = field(repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    """What the program said beside its result, for instance of inputs that failed; empty for a case that was opened."""
    job: Optional[str] = None
    """Name of the work: the same images, model, options and review have the same; ``None`` where the folder does not say."""
    _kept: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, folder: StrPath) -> Case:
        """Opens a folder that ``analyze`` wrote, here or on the command line.

        >>> from schistoquant import analyze, Case
        >>> case = analyze("fixtures/specimen", out="report")
        >>> Case.open("report").record == case.record
        True
        """
        return cls._read(Path(folder), (), None)

    @classmethod
    def _read(cls, folder: Path, notes: tuple[str, ...], kept: Any) -> Case:
        path = folder / "case.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        version = str(record.get("schema_version"))
        if version.partition(".")[0] != SCHEMA_MAJOR:
            raise UnknownRecord(
                f"{path}: expected a record of schema version {SCHEMA_MAJOR}, found {version}; "
                "use the schistoquant that wrote it, or analyze the images again"
            )
        return cls(folder, record, notes, _jobs(folder).get("case.json"), kept)

    @property
    def accession(self) -> Optional[str]:
        """Specimen number; ``None`` where none was given."""
        accession = self.record["accession"]
        return None if accession is None else str(accession)

    @property
    def state(self) -> State:
        """Where the count lies against the reference limit. ``not_assessable`` and ``insufficient`` are results, too."""
        return self.count.state

    @cached_property
    def count(self) -> Count:
        """Schistocytes among red cells, with the intervals."""
        return Count.read(self.record["count"])

    @property
    def interval_95(self) -> Optional[Interval]:
        """*The* 95 % interval of the percentage; ``None`` without a red cell."""
        return self.count.interval_95

    @property
    def statement(self) -> str:
        """The result in words; never a diagnosis."""
        return str(self.record["statement"])

    @property
    def footer(self) -> str:
        """The fixed footer: for research use only, and what a count cannot say."""
        return str(self.record["footer"])

    @property
    def review_status(self) -> ReviewStatus:
        """Whether a person has signed the case."""
        review = self.record.get("review")
        if review is None:
            return "preliminary"
        return "corrected" if review["number"] > 1 else "final"

    @property
    def exclusions(self) -> Mapping[str, int]:
        """Objects left out of the count, by reason; a reason that did not occur is not named."""
        return dict(self.record["exclusions"])

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field in input order, refused ones included."""
        return tuple(Field.read(one) for one in self.record["fields"])

    @cached_property
    def classes(self) -> tuple[ClassShare, ...]:
        """The called cells of each class."""
        return tuple(ClassShare.read(one) for one in self.record["classes"])

    @property
    def failed_inputs(self) -> tuple[FailedInput, ...]:
        """Inputs that could not be read. The count is of the others."""
        return tuple(FailedInput(one["path"], one["reason"]) for one in self.record["failed_inputs"])

    @cached_property
    def provenance(self) -> Provenance:
        """What made the figures."""
        return Provenance.read(self.record["provenance"])

    @property
    def likeness(self) -> Optional[str]:
        """How like the films that the model learned from the film is; ``None`` where the model's card states no range."""
        film = self.record.get("film")
        return None if film is None else str(film["likeness"])

    @property
    def limitations(self) -> Optional[tuple[str, ...]]:
        """What the evidence of film and panel cannot tell; ``None`` where no panel was given and nothing was weighed.

        ``remarks`` and ``footer`` hold the limits of the count itself.
        """
        evidence = self.record["evidence"]
        return None if evidence is None else tuple(evidence["limitations"])

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What is to be considered with this result, as the page says it first."""
        return self._page.remarks

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Every called schistocyte, then the near misses that the page shows, each likeliest first, with pictures."""
        with self._file("cells.csv", "csv").open(encoding="utf-8", newline="") as file:
            asked = [row for row in csv.DictReader(file) if row["schistocyte_probability"]]
        of_cell = {(row["field"], int(row["cell_id"])): float(row["schistocyte_probability"]) for row in asked}

        def with_probability(tile: Tile) -> Tile:
            return replace(tile, schistocyte_probability=of_cell.get((_csv_text(tile.field), tile.cell_id)))

        return tuple(with_probability(tile) for tile in self._page.tiles)

    def cells(self) -> pd.DataFrame:
        """One row for each object, counted or not (columns: ``docs/files.md``). Needs the extra ``research``.

        >>> from schistoquant import analyze
        >>> cells = analyze("fixtures/specimen").cells()
        >>> int((cells["status"] == "counted").sum())
        1273
        """
        return data_frame(self.cells_arrow())

    def cells_arrow(self) -> pa.Table:
        """The same as a table of pyarrow."""
        return arrow_table(self._file("*.cells.parquet", "parquet"))

    def specimen(self) -> pd.DataFrame:
        """The specimen table: one row, for the tables of a study. Needs the extra ``research``."""
        return data_frame(arrow_table(self._file("*.specimen.parquet", "parquet")))

    def gallery(self) -> Picture:
        """Every called schistocyte on one sheet."""
        return Picture(self._file("gallery.png", "pictures").read_bytes(), "image/png")

    def field_pictures(self) -> dict[str, Picture]:
        """Every field with its outlines, by file name."""
        return {path.name: Picture(path.read_bytes(), "image/jpeg") for path in self._files("fields/*.jpg", "pictures")}

    def __str__(self) -> str:
        return f"{self.statement} {self.footer}"

    @cached_property
    def _page(self) -> Page:
        return read_page(self._file("report.html", "html").read_text(encoding="utf-8"))

    def _file(self, pattern: str, report: str) -> Path:
        """The one file of a pattern."""
        found = self._files(pattern, report)
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise UnknownRecord(f"{self.folder}: expected one file {pattern}, found {names}; analyze the images again")
        return found[0]

    def _files(self, pattern: str, report: str) -> list[Path]:
        """Files of the case, those of the run that wrote the record; what that run did not write is made again.

        An earlier run may have left files in the folder whose figures are older than the record.
        """
        current = [name for name, job in _jobs(self.folder).items() if job == self.job and fnmatchcase(name, pattern)]
        return [self.folder / name for name in sorted(current)] or sorted(self._made(report).glob(pattern))

    def _made(self, report: str) -> Path:
        """The folder with reports made again; it goes with this case."""
        if report not in self._again:
            kept = tempfile.TemporaryDirectory(prefix="schistoquant-")
            line = CommandLine("report")
            line.value("--out", kept.name)
            line.several("--format", ["json", report])
            line.inputs(self.folder)
            call(line)
            made = json.loads((Path(kept.name) / "case.json").read_text(encoding="utf-8"))
            if made != self.record:
                raise UnknownRecord(
                    f"{self.folder}: expected the record that was opened, found another one: the folder, the configuration "
                    "(SCHISTOQUANT_CONFIG) or the program changed meanwhile; open the folder again"
                )
            self._again[report] = kept
        return Path(self._again[report].name)

    @cached_property
    def _again(self) -> dict[str, tempfile.TemporaryDirectory[str]]:
        return {}


def _jobs(folder: Path) -> dict[str, str]:
    """The job that wrote each file of a folder."""
    path = folder / "files.json"
    if not path.is_file():
        return {}
    files = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {str(name): str(file["job"]) for name, file in files.items()}


def _csv_text(text: str) -> str:
    """A text as the program writes it to CSV: a spreadsheet must not take it for a formula.

    >>> _csv_text("-1.jpg"), _csv_text("1.jpg")
    ("'-1.jpg", '1.jpg')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
