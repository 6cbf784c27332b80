"""Snakemake wrapper for `schistoquant analyze`: one specimen, the named reports."""

__author__ = "the schistoquant authors"
__copyright__ = "Copyright 2026, the schistoquant authors"
__license__ = "MIT"

import shutil
import tempfile
from pathlib import Path

from snakemake.shell import shell

# Name of an output: format that makes it, and what the file is called in the program's folder.
REPORTS = {
    "json": ("json", "case.json"),
    "csv": ("csv", "cells.csv"),
    "specimen": ("csv", "*.specimen.csv"),
    "html": ("html", "report.html"),
    "pdf": ("pdf", "*.pdf"),
    "hl7": ("hl7", "*.hl7"),
    "fhir": ("fhir", "*.fhir.json"),
}

wanted = dict(snakemake.output.items())
unknown = sorted(set(wanted) - set(REPORTS))
if unknown or not wanted or len(wanted) != len(snakemake.output):
    raise ValueError(f"output: expected names out of {', '.join(REPORTS)}; found {unknown or list(snakemake.output)}")

images = snakemake.input.get("images")
if not images:
    raise ValueError("input: expected `images`: photographs, slides or folders of one specimen")
if isinstance(images, str):
    images = [images]
images = list(images)

options = [
    f"--{name} {{snakemake.input.{name}:q}}" for name in ("order", "labs", "model") if snakemake.input.get(name)
]
formats = ",".join(sorted({REPORTS[name][0] for name in wanted}))
extra = snakemake.params.get("extra", "")
accept = " ".join(str(int(code)) for code in snakemake.params.get("accept", [4]))
log = snakemake.log_fmt_shell(stdout=True, stderr=True)

with tempfile.TemporaryDirectory() as made:
    shell(
        "(code=0; schistoquant analyze {images:q} --out {made:q} --format {formats} --threads {snakemake.threads} --quiet "
        + " ".join(options)
        + " {extra} || code=$?; for accepted in 0 {accept}; do [ $code != $accepted ] || exit 0; done; exit $code) {log}"
    )
    for name, target in wanted.items():
        found = list(Path(made).glob(REPORTS[name][1]))
        if len(found) != 1:
            raise FileNotFoundError(f"output {name}: expected one file {REPORTS[name][1]}, found {len(found)}")
        shutil.move(found[0], target)
