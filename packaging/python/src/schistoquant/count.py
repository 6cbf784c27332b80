"""The figures of a count, as typed values. Percentages are 0 to 100. What is not known is ``None``, never 0 or NaN.

In: the key ``count`` and its neighbors of ``case.json`` (``docs/records.md``). Nothing is computed here but the union of
intervals that the program computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Optional

State = Literal["above", "not_above", "indeterminate", "insufficient", "not_assessable"]
"""Where the count lies: ``docs/statistics.md`` says when each is given."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a percentage.

    >>> Interval(low=2.25, high=4.16).low
    2.25
    """

    low: float
    high: float

    @classmethod
    def read(cls, record: Optional[Json]) -> Optional[Interval]:
        """Of a record; ``None`` where there is none."""
        return None if record is None else cls(low=record["low"], high=record["high"])


@dataclass(frozen=True)
class CorrectedPercent:
    """The percentage corrected for missed and false calls of the model."""

    percent: Optional[float]
    interval_95: Interval
    sensitivity: float
    sensitivity_cells: int
    false_call_percent: float
    false_call_cells: int

    @classmethod
    def read(cls, record: Optional[Json]) -> Optional[CorrectedPercent]:
        """Of a record; ``None`` where the model's card does not state what it takes."""
        if record is None:
            return None
        return cls(
            percent=record["percent"],
            interval_95=Interval(low=record["low"], high=record["high"]),
            sensitivity=record["sensitivity"],
            sensitivity_cells=record["sensitivity_cells"],
            false_call_percent=record["false_call_percent"],
            false_call_cells=record["false_call_cells"],
        )


@dataclass(frozen=True)
class DecidingLimit:
    """A limit of the true share that placed the count, and the interval that it is of."""

    percent: float
    interval: str

    @classmethod
    def read(cls, record: Optional[Json]) -> Optional[DecidingLimit]:
        """Of a record; ``None`` where there is none."""
        return None if record is None else cls(percent=record["percent"], interval=record["interval"])


@dataclass(frozen=True)
class Count:
    """The count of a specimen: schistocytes among red cells, the intervals, and where it lies.

    A percentage is ``None`` where no red cell was counted. An interval is ``None`` where it was not computed.
    """

    red_cells: int
    schistocytes: int
    percent: Optional[float]
    wilson_95: Optional[Interval]
    field_bootstrap_95: Optional[Interval]
    sequential_95: Optional[Interval]
    repeatability_95: Optional[Interval]
    reviewed_95: Optional[Interval]
    corrected: Optional[CorrectedPercent]
    deciding_low: Optional[DecidingLimit]
    deciding_high: Optional[DecidingLimit]
    false_positive_floor_percent: Optional[float]
    false_positive_floor_95: Optional[Interval]
    threshold_percent: float
    min_cells: int
    state: State
    context: Optional[str]
    other_abnormal_percent: Optional[float]
    forms: Mapping[str, int]

    @property
    def interval_95(self) -> Optional[Interval]:
        """*The* 95 % interval: from the lowest to the highest limit of the intervals of the called percentage.

        The corrected one is none of them: it is of another percentage. The tables call this ``widest_95``.
        """
        called = [self.wilson_95, self.field_bootstrap_95, self.sequential_95, self.repeatability_95, self.reviewed_95]
        known = [interval for interval in called if interval is not None]
        if not known:
            return None
        return Interval(low=min(interval.low for interval in known), high=max(interval.high for interval in known))

    @classmethod
    def read(cls, record: Json) -> Count:
        """Of the key ``count``."""
        deciding = record["deciding"] or {}
        return cls(
            red_cells=record["red_cells"],
            schistocytes=record["schistocytes"],
            percent=record["percent"],
            wilson_95=Interval.read(record["wilson_95"]),
            field_bootstrap_95=Interval.read(record["field_bootstrap_95"]),
            # These may be left out of a record.
            sequential_95=Interval.read(record.get("sequential_95")),
            repeatability_95=Interval.read(record.get("repeatability_95")),
            reviewed_95=Interval.read(record.get("reviewed_95")),
            corrected=CorrectedPercent.read(record["corrected"]),
            deciding_low=DecidingLimit.read(deciding.get("low")),
            deciding_high=DecidingLimit.read(deciding.get("high")),
            false_positive_floor_percent=record["false_positive_floor_percent"],
            false_positive_floor_95=Interval.read(record["false_positive_floor_95"]),
            threshold_percent=record["threshold_percent"],
            min_cells=record["min_cells"],
            state=record["state"],
            context=record["context"],
            other_abnormal_percent=record["other_abnormal_percent"],
            forms=dict(record["forms"]["by_form"]),
        )


@dataclass(frozen=True)
class ClassShare:
    """The counted red cells that the model calls a class.

    ``cells`` is ``None`` for a class of size where the pixel size is not known. ``finding`` says whether the film shows the
    class; ``None`` for normal, uncategorised and schistocyte.
    """

    name: str
    cells: Optional[int]
    percent: Optional[float]
    wilson_95: Optional[Interval]
    floor_percent: Optional[float]
    finding: Optional[str]

    @classmethod
    def read(cls, record: Json) -> ClassShare:
        """Of an item of ``classes``."""
        return cls(
            name=record["class"],
            cells=record["cells"],
            percent=record["percent"],
            wilson_95=Interval.read(record["wilson_95"]),
            floor_percent=record["floor_percent"],
            finding=record["finding"],
        )


@dataclass(frozen=True)
class QualityFigure:
    """A quality figure of a field beside its limits; a figure that could not be measured is ``None``."""

    name: str
    value: Optional[float]
    min: Optional[float]
    max: Optional[float]
    accepted: bool


@dataclass(frozen=True)
class Field:
    """A field of the specimen: accepted and counted, or refused with the reasons."""

    name: str
    width_px: int
    height_px: int
    um_per_px: Optional[float]
    um_per_px_source: Optional[str]
    accepted: bool
    refusals: tuple[str, ...]
    red_cells: int
    schistocytes: int
    exclusions: Mapping[str, int]
    quality: tuple[QualityFigure, ...]

    @classmethod
    def read(cls, record: Json) -> Field:
        """Of an item of ``fields``."""
        return cls(
            name=record["field"],
            width_px=record["width_px"],
            height_px=record["height_px"],
            um_per_px=record["um_per_px"],
            um_per_px_source=record["um_per_px_source"],
            accepted=record["accepted"],
            refusals=tuple(record["refusals"]),
            red_cells=record["red_cells"],
            schistocytes=record["schistocytes"],
            exclusions=dict(record["exclusions"]),
            quality=tuple(
                QualityFigure(figure["name"], figure["value"], figure["min"], figure["max"], figure["accepted"])
                for figure in record["quality"]
            ),
        )


@dataclass(frozen=True)
class FailedInput:
    """An input that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Provenance:
    """What made the figures: program, method, model, engine, options, and the hash of each input."""

    software: str
    software_version: str
    method_version: str
    model: str
    model_version: str
    model_sha256: str
    detector: str
    detector_version: str
    detector_sha256: str
    engine: str
    options: Mapping[str, Any]
    input_sha256: Mapping[str, str]

    @classmethod
    def read(cls, record: Json) -> Provenance:
        """Of the key ``provenance``."""
        model, detector = record["model"], record["detector"]
        return cls(
            software=record["software"],
            software_version=record["software_version"],
            method_version=record["method_version"],
            model=model["name"],
            model_version=model["version"],
            model_sha256=model["sha256"],
            detector=detector["name"],
            detector_version=detector["version"],
            detector_sha256=detector["sha256"],
            engine=record["engine"],
            options=dict(record["options"]),
            input_sha256={one["file"]: one["sha256"] for one in record["inputs"]},
        )
