#!/usr/bin/env python3
"""Says how the reports of two programs differ.

    compare_cases.py ONE OTHER

In: two report folders of the same images, each with `case.json` and `cells.csv`. Out: for each file `same bytes`, or the
first place that differs, how many do, and the greatest difference. Exit code 0 for the same bytes, 1 where numbers differ
and every class, status and count is the same, 2 where one of those differs.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

# Columns of cells.csv that are decisions, not measurements.
DECISIONS = ("field", "cell_id", "class", "status", "reason", "form")

Place = tuple[str, object]


def leaves(value: object, place: str = "") -> Iterator[Place]:
    """Every value of a JSON document that holds no other, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{number}]")
    else:
        yield place, value


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def number(value: object) -> float | None:
    """A value as a number; `None` for one that is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(str(value))
    except ValueError:
        return None


def describe(name: str, one: list[Place], other: list[Place]) -> bool:
    """Prints how two lists of values differ. True where a whole number, a text or a place differs."""
    if [place for place, _ in one] != [place for place, _ in other]:
        print(f"{name}: expected the same places, found {len(one)} and {len(other)} values at different ones")
        return True
    pairs = [(place, a, b) for (place, a), (_, b) in zip(one, other) if a != b]
    print(f"{name}: {len(pairs)} of {len(one)} values differ; the first at {pairs[0][0]}: {pairs[0][1]!r} and {pairs[0][2]!r}")
    decided = False
    greatest = (0.0, "")
    for place, a, b in pairs:
        first, second = number(a), number(b)
        if first is None or second is None or isinstance(a, int):
            print(f"{name}: decision or text at {place}: {a!r} and {b!r}")
            decided = True
        else:
            greatest = max(greatest, (abs(first - second), place))
    print(f"{name}: greatest difference {greatest[0]:.3g} at {greatest[1] or 'no number'}")
    return decided


def main() -> int:
    """Compares the folders that the command line names."""
    one, other = (Path(argument) for argument in sys.argv[1:])
    code = 0
    for name in ("case.json", "cells.csv"):
        if (one / name).read_bytes() == (other / name).read_bytes():
            print(f"{name}: same bytes ({(one / name).stat().st_size} bytes)")
            continue
        code = max(code, 1)
        if name == "case.json":
            both = [list(leaves(json.loads((folder / name).read_text(encoding="utf-8")))) for folder in (one, other)]
            decided = describe(name, both[0], both[1])
        else:
            tables = [rows(folder / name) for folder in (one, other)]
            both = [
                [(f"row {index} {column}", value) for index, row in enumerate(table, 1) for column, value in row.items()]
                for table in tables
            ]
            decided = describe(name, both[0], both[1])
            calls = [[[row[column] for column in DECISIONS] for row in table] for table in tables]
            print(f"{name}: {'the same' if calls[0] == calls[1] else 'OTHER'} classes, states, reasons and forms")
            decided |= calls[0] != calls[1]
        code = 2 if decided else code
    return code


if __name__ == "__main__":
    sys.exit(main())
