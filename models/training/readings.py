"""Two blind readings of each cell: the tables, what both say together, and how well they agree.

    python readings.py                    agreement of all tables below readings/

In: `readings/*.csv` with the columns of `COLUMNS`; x and y are the middle of the cell's box in pixels of the image. Out:
`Reading`s, one for each cell.

Letters: S schistocyte, sure (1); P probable (0.75); D undecided (0.5); M microspherocyte (0, counted only beside other
forms); N no (0); X not assessable. S and P may name the form: h helmet, t triangle, c crescent, k keratocyte.

Consensus: X of either reader is not assessable; else the mean of both is a schistocyte from `YES_FROM` on, none up to
`NONE_TO`, undecided between. Agreement is Cohen's kappa (Cohen 1960, 10.1177/001316446002000104).

METHOD: the readers are a general vision-language model with fresh context for each reading, no expert; a table says what
two such readings saw and no more. Limits: a middle consensus (mean 0.3 to 0.7) teaches with its mean and is left aside in
figures.
"""

import csv
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ["set", "image", "x", "y", "label", "reading_a", "reading_b", "weight", "stratum"]
# Share of a schistocyte that a letter stands for; X stands for none.
VALUES = {"S": 1.0, "P": 0.75, "D": 0.5, "M": 0.0, "N": 0.0}
NOT_ASSESSABLE = "X"
FORMS = {"h": "helmet", "t": "triangle", "c": "crescent", "k": "keratocyte"}
# Letters that may carry a form.
WITH_FORM = "SP"
# Mean of both readings from which a cell is a schistocyte, and up to which it is none.
YES_FROM = 0.7
NONE_TO = 0.3
FOLDER = Path(__file__).parent / "readings"


class ReadingError(ValueError):
    """A table or an answer that cannot be used; the text says where and what was expected."""


@dataclass(frozen=True)
class Reading:
    """One cell, read twice."""

    set: str
    image: str
    x: float
    y: float
    label: str
    a: str
    b: str
    weight: float
    stratum: str

    @property
    def mean(self):
        """Share of a schistocyte by both, 0-1; None where either could not assess the cell."""
        if NOT_ASSESSABLE in (self.a[0], self.b[0]):
            return None
        return (VALUES[self.a[0]] + VALUES[self.b[0]]) / 2

    @property
    def consensus(self):
        """schistocyte, none, undecided or not_assessable."""
        mean = self.mean
        if mean is None:
            return "not_assessable"
        return "schistocyte" if mean >= YES_FROM else "none" if mean <= NONE_TO else "undecided"

    @property
    def form(self):
        """The form that both name, or None."""
        forms = {letter[1:] for letter in (self.a, self.b)}
        return FORMS.get(forms.pop()) if len(forms) == 1 else None


def letter(text, where):
    """A checked answer, such as `N` or `Sh`."""
    kind, form = text[:1], text[1:]
    known = kind in VALUES or kind == NOT_ASSESSABLE
    if not known or (form and (kind not in WITH_FORM or form not in FORMS)):
        raise ReadingError(f"{where}: expected S or P with h, t, c, k or no form, or D, M, N, X; found `{text}`")
    return text


def read_table(path):
    """The readings of one table."""
    with open(path, newline="") as file:
        table = csv.DictReader(file)
        if table.fieldnames != COLUMNS:
            raise ReadingError(f"{path}: expected the columns {','.join(COLUMNS)}; found {table.fieldnames}")
        found = []
        for row in table:
            where = f"{path}, line {table.line_num}"
            try:
                x, y, weight = (float(row[name]) for name in ("x", "y", "weight"))
            except (TypeError, ValueError):
                raise ReadingError(f"{where}: expected numbers for x, y and weight") from None
            if not (x >= 0 and y >= 0 and weight > 0):
                raise ReadingError(f"{where}: expected x and y from 0 and a weight above 0; found {x}, {y}, {weight}")
            a, b = (letter(row[name], where) for name in ("reading_a", "reading_b"))
            found.append(Reading(row["set"], row["image"], x, y, row["label"], a, b, weight, row["stratum"]))
    return found


def read_tables(folder=FOLDER):
    """The readings of every table of a folder; a cell that is read twice over is refused."""
    found, seen = [], {}
    for path in sorted(folder.glob("*.csv")):
        for reading in read_table(path):
            place = (reading.set, reading.image, reading.x, reading.y)
            if place in seen:
                raise ReadingError(f"{path}: expected each cell in one table; {place} also stands in {seen[place]}")
            seen[place] = path
            found.append(reading)
    return found


def kappa(pairs):
    """Cohen's kappa of pairs of answers; None where there is no pair or both readers gave one answer throughout."""
    pairs = list(pairs)
    if not pairs:
        return None
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[answer] * second[answer] for answer in first) / len(pairs) ** 2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def agreement(readings):
    """Kappas and counts of consensus, as a dictionary."""
    pairs = [(reading.a, reading.b) for reading in readings]
    yes = {"S", "P"}
    groups = {"S": "yes", "P": "yes", "D": "undecided", "M": "no", "N": "no", "X": "not assessable"}
    forms = [(a[1:], b[1:]) for a, b in pairs if a[1:] and b[1:]]
    return {
        "cells": len(pairs),
        "kappa_schistocyte_against_all_else": kappa((a[0] in yes, b[0] in yes) for a, b in pairs),
        "kappa_yes_undecided_no_not_assessable": kappa((groups[a[0]], groups[b[0]]) for a, b in pairs),
        "kappa_form": kappa(forms),
        "forms": len(forms),
        "consensus": dict(Counter(reading.consensus for reading in readings)),
    }


def main():
    """Print the agreement of all tables, of each and of each stratum."""
    for path in sorted(FOLDER.glob("*.csv")):
        print(path.name, agreement(read_table(path)))
    every = read_tables()
    print("all", agreement(every))
    strata = defaultdict(list)
    for reading in every:
        strata[reading.set, "9" if reading.label == "9" else reading.stratum].append(reading)
    for (name, stratum), members in sorted(strata.items()):
        print(name, stratum, dict(Counter(member.consensus for member in members)))


if __name__ == "__main__":
    sys.exit(main())
