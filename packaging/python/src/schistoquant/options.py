"""Words that options may have. They mirror the command line; the tests compare them with the program's help."""

from __future__ import annotations

from typing import Literal

AgeGroup = Literal["adult", "term-neonate", "preterm-neonate"]
"""Age group that selects the reference limit."""

Engine = Literal["auto", "embedded", "onnxruntime"]
"""Engine that runs the graphs; ``auto`` takes ONNX Runtime where its library is installed."""

ReportFormat = Literal["json", "csv", "html", "geojson", "parquet", "pictures", "hl7", "fhir", "pdf"]
"""Reports to write."""

LabelFormat = Literal["chula", "voc", "yolo", "coco", "qupath", "truth", "readings"]
"""Formats of labels."""

HashedPart = Literal["test", "val", "train", "not-train"]
"""Parts of a set by the SHA-1 of the file name."""
