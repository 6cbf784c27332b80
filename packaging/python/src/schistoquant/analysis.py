"""``analyze``: one specimen, from images to a case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional, Union

from .case import Case
from .options import AgeGroup, Engine, ReportFormat
from .program import CommandLine, StrPath, call, output_folder

FORMATS_ALWAYS: tuple[ReportFormat, ...] = ("json", "parquet")
"""What a case is read from, whatever else is asked for."""


def formats_with_record(formats: Iterable[ReportFormat]) -> list[str]:
    """The formats asked for behind those that a case is read from."""
    return list(dict.fromkeys([*FORMATS_ALWAYS, *formats]))


def analyze(
    paths: Union[StrPath, Iterable[StrPath]],
    *,
    out: Optional[StrPath] = None,
    accession: Optional[str] = None,
    order: Optional[StrPath] = None,
    issued_at: Optional[str] = None,
    labs: Optional[StrPath] = None,
    config: Optional[StrPath] = None,
    um_per_px: Optional[float] = None,
    age_group: Optional[AgeGroup] = None,
    min_cells: Optional[int] = None,
    area: Optional[tuple[int, int, int, int]] = None,
    annotation: Optional[StrPath] = None,
    all: bool = False,
    cells: Optional[int] = None,
    max_cells: Optional[int] = None,
    seed: Optional[int] = None,
    slide_memory: Optional[int] = None,
    model: Optional[StrPath] = None,
    engine: Optional[Engine] = None,
    onnxruntime: Optional[StrPath] = None,
    threads: Optional[int] = None,
    format: Iterable[ReportFormat] = ("csv", "html"),
    require_review: bool = False,
) -> Case:
    """Counts the schistocytes of one specimen. For research use only; the count is preliminary until a person signed it.

    ``paths`` are images, slides and folders, together one specimen. The keywords are the options of
    ``schistoquant analyze`` (``docs/command-line.md``); ``None`` leaves the program's default. ``json`` and ``parquet`` are
    always among the formats. Without ``out`` the reports lie in a temporary folder that goes with the case.

    A specimen that cannot be assessed, or under the minimum count, is a :class:`Case` with that ``state``. Inputs that could
    not be read stand in ``failed_inputs``. What made no report raises a :class:`SchistoquantError`.

    >>> case = analyze("fixtures/specimen")
    >>> print(case.state, case.count.percent, case.interval_95)
    above 3.063629 Interval(low=2.249113, high=4.160568)
    """
    folder, kept = output_folder(out)
    line = CommandLine("analyze")
    line.value("--out", folder)
    line.value("--accession", accession)
    line.value("--order", order)
    line.value("--issued-at", issued_at)
    line.value("--labs", labs)
    line.value("--config", config)
    line.value("--um-per-px", um_per_px)
    line.value("--age-group", age_group)
    line.value("--min-cells", min_cells)
    line.several("--area", area)
    line.value("--annotation", annotation)
    line.switch("--all", all)
    line.value("--cells", cells)
    line.value("--max-cells", max_cells)
    line.value("--seed", seed)
    line.value("--slide-memory", slide_memory)
    line.inference(model, engine, onnxruntime, threads)
    line.several("--format", formats_with_record(format))
    line.switch("--require-review", require_review)
    line.inputs(paths)
    finished = call(line)
    return Case._read(folder, finished.notes, kept)
