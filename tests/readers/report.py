"""A report folder for the readers beside this file: its record, its job and the files called by them.

The job is computed again from `case.json` by another implementation of RFC 8785 (PyPI `rfc8785`).
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import rfc8785

FOOTER_START = "For Research Use Only. Not for use in diagnostic procedures."


class Report:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.record = json.loads((self.folder / "case.json").read_text(encoding="utf-8"))
        issued = self.record["issued_at"]
        hashed = {name: self.record[name] for name in ("accession", "evidence", "laboratory", "order", "provenance")}
        hashed["issued_at"] = issued if issued and issued["source"] == "given" else None
        self.review = self.record.get("review")
        if self.review:
            hashed["review"] = self.review
        self.job = hashlib.sha256(rfc8785.dumps(hashed)).hexdigest()
        self.base = f"{self.record['accession'] or 'specimen'}_{self.job[:16]}"
        self.count = self.record["count"]
        self.footer = self.record["footer"]
        assert self.footer.startswith(FOOTER_START)

    def file(self, ending):
        path = self.folder / f"{self.base}.{ending}"
        assert path.is_file(), f"{path} is missing; found {sorted(p.name for p in self.folder.iterdir())}"
        return path

    def status(self, preliminary, final, corrected):
        """What a report of this review says: one of the three."""
        if not self.review:
            return preliminary
        return final if self.review["number"] == 1 else corrected

    def sent_classes(self):
        """Names and numbers of the classes as messages send them: null where the film does not show the class."""
        for of in self.record["classes"]:
            yield of["class"], of["cells"] if of["finding"] in (None, "present") else None

    def widest(self):
        """The widest interval of the called share, as the record's documentation defines it."""
        names = ("wilson_95", "field_bootstrap_95", "sequential_95", "repeatability_95", "reviewed_95")
        limits = [self.count[name] for name in names if self.count.get(name)]
        return min(one["low"] for one in limits), max(one["high"] for one in limits)


def given():
    """The report folder named on the command line."""
    report = Report(sys.argv[1])
    for path in report.folder.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", path.name), path
    return report
