"""Counts schistocytes on photographs of stained blood smears, from Python.

For research use only. Not for use in diagnostic procedures. A count is preliminary until a qualified professional has read
the called cells and signed.

The functions call the program ``schistoquant`` of the same wheel and read the files that it writes. They compute no figure.
Tables and pictures need ``pip install 'schistoquant[research]'``.

>>> import schistoquant
>>> case = schistoquant.analyze("fixtures/specimen")
>>> case.state
'above'
"""

from .analysis import analyze
from .batches import Batch, FailedSpecimen, batch
from .case import Case, ReviewStatus
from .count import (
    ClassShare,
    CorrectedPercent,
    Count,
    DecidingLimit,
    FailedInput,
    Field,
    Interval,
    Provenance,
    QualityFigure,
    State,
)
from .errors import (
    EngineUnusable,
    Interrupted,
    MissingExtra,
    NoReadableInput,
    OutputNotWritable,
    ProgramFailed,
    ProgramNotFound,
    SchistoquantError,
    UnknownRecord,
    UsageError,
)
from .evaluation import Evaluation, Figure, evaluate
from .page import Picture, Remark, Tile
from .program import find_program

__all__ = [
    "Batch",
    "Case",
    "ClassShare",
    "CorrectedPercent",
    "Count",
    "DecidingLimit",
    "EngineUnusable",
    "Evaluation",
    "FailedInput",
    "FailedSpecimen",
    "Field",
    "Figure",
    "Interrupted",
    "Interval",
    "MissingExtra",
    "NoReadableInput",
    "OutputNotWritable",
    "Picture",
    "ProgramFailed",
    "ProgramNotFound",
    "Provenance",
    "QualityFigure",
    "Remark",
    "ReviewStatus",
    "SchistoquantError",
    "State",
    "Tile",
    "UnknownRecord",
    "UsageError",
    "analyze",
    "batch",
    "evaluate",
    "find_program",
]
