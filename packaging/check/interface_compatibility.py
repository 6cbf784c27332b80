#!/usr/bin/env python3
"""Whether scripts and receivers made for the last release work with this one: `interface_compatibility.py OLD NEW`.

In: two checkouts. Out: one line for each promise that is broken; exit code 1 if there is one, 2 for wrong usage.

The promises stand in pages that tests hold to the program: `docs/command-line.md` is generated from its command line, and
`docs/files.md` must name every column that is written. Breaking: a command, an option, a word of an option or its variable is gone;
an option takes a value now or none any more, has another default, or is asked for; an exit code, a column or a code of a
message is gone. Each of them needs a higher first number of the program's version; below 1.0.0, where the first number is
always 0, a higher second one.

Limits: what an option does and what an exit code means are compared by nobody; a changed meaning needs a person who says so.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

# Tables whose first cells are names that others rely on: page, heading, what they are.
NAMES = (
    ("docs/files.md", "Exit codes", "exit code"),
    ("docs/files.md", "cells.csv", "column of cells.csv"),
    ("docs/files.md", "The specimen table", "column of the specimen table"),
    ("docs/files.md", "The folders of watch", "key of a receipt"),
    ("docs/messages.md", "Items", "code of a message"),
)


class Unusable(Exception):
    """A page that cannot be compared."""


@dataclass(frozen=True)
class Argument:
    """An argument of a command, as the page shows it."""

    value: str
    words: frozenset[str]
    default: str | None
    variable: str | None
    is_required: bool


def sections(text: str) -> dict[str, list[str]]:
    """Lines below each heading of the second level."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            found[line[3:].strip()] = []
        elif found:
            found[list(found)[-1]].append(line)
    return found


def rows(lines: list[str]) -> list[list[str]]:
    """Cells of the rows of tables, without heads and rules."""
    tables = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in tables]
    rules = [place for place, row in enumerate(cells) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    return [row for place, row in enumerate(cells) if place not in rules and place + 1 not in rules]


def page(root: Path, name: str) -> dict[str, list[str]]:
    """The sections of a page of a checkout."""
    return sections((root / name).read_text(encoding="utf-8"))


def commands(root: Path) -> dict[str, dict[str, Argument]]:
    """Every command with its arguments."""
    found: dict[str, dict[str, Argument]] = {}
    for command, lines in page(root, "docs/command-line.md").items():
        found[command] = {}
        for name, meaning in rows(lines):
            typed = name.strip("`").replace("\\|", "|")
            key, _, value = typed.partition(" ") if typed.startswith("--") else (typed, "", "")
            choice = re.search(r"\. One of (.*?)(?:\. (?:Default|Environment|Required)|$)", meaning)
            default = re.search(r"Default: `([^`]*)`|\[default: ([^\]]*)\]", meaning)
            variable = re.search(r"Environment: `([A-Z_]+)`|\[env: ([A-Z_]+)", meaning)
            found[command][key] = Argument(
                value,
                # A word may be followed by its meaning in brackets.
                frozenset(re.findall(r"(?:^|, )`([^`]+)`", choice[1])) if choice else frozenset(),
                next((text for text in default.groups() if text), None) if default else None,
                next((text for text in variable.groups() if text), None) if variable else None,
                meaning.endswith("Required"),
            )
    if not found or not any(found.values()):
        raise Unusable(f"{root / 'docs/command-line.md'}: expected commands with tables of arguments, found none")
    return found


def argument_faults(shown: str, old: Argument, new: Argument) -> list[str]:
    """What an argument broke."""
    found = [f"{shown}: no longer takes `{word}`" for word in sorted(old.words - new.words)] if new.words else []
    if bool(old.value) != bool(new.value):
        found.append(f"{shown}: {'takes a value now' if new.value else 'takes no value any more'}")
    if old.default is not None and old.default != new.default:
        found.append(f"{shown}: the default was {old.default}, is {new.default or 'none'}")
    if old.variable is not None and old.variable != new.variable:
        found.append(f"{shown}: no longer read from {old.variable}")
    if new.is_required and not old.is_required:
        found.append(f"{shown}: is asked for now")
    return found


def names(root: Path, file: str, heading: str) -> set[str]:
    """The names in the first cells of a section's tables."""
    lines = page(root, file).get(heading)
    if lines is None:
        raise Unusable(f"{root / file}: expected the heading `## {heading}`")
    firsts = [row[0] for row in rows(lines)]
    found = {name for first in firsts for name in (re.findall(r"`([^`]+)`", first) or [first])}
    if not found:
        raise Unusable(f"{root / file}: expected names below `## {heading}`, found none")
    return found


def breaks(old: Path, new: Path) -> list[str]:
    """Every promise that is broken, whatever the versions."""
    found = []
    before, after = commands(old), commands(new)
    for command, arguments in before.items():
        if command not in after:
            found.append(f"`{command}` is gone")
            continue
        for key, argument in arguments.items():
            shown = f"`{command} {key}`"
            if key in after[command]:
                found += argument_faults(shown, argument, after[command][key])
            else:
                found.append(f"{shown} is gone")
        for key, argument in after[command].items():
            if key not in arguments and argument.is_required:
                found.append(f"`{command} {key}`: is new and asked for")
    for file, heading, kind in NAMES:
        found += [f"{kind} {name} is gone" for name in sorted(names(old, file, heading) - names(new, file, heading))]
    return found


def version(root: Path) -> tuple[int, int, int]:
    """Version of the program in a checkout."""
    text = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]
    first, second, third = (int(number) for number in re.split(r"[-+]", text)[0].split("."))
    return first, second, third


def may_break(old: tuple[int, int, int], new: tuple[int, int, int]) -> bool:
    """Whether the version says that something breaks."""
    return new[0] > old[0] or (new[0] == old[0] == 0 and new[1] > old[1])


def main(arguments: list[str]) -> int:
    """Compares two checkouts; the exit code."""
    if len(arguments) != 2 or not all(Path(argument, "Cargo.toml").is_file() for argument in arguments):
        print("usage: interface_compatibility.py OLD NEW, both checkouts of the repository", file=sys.stderr)
        return 2
    old, new = Path(arguments[0]), Path(arguments[1])
    try:
        found, before, after = breaks(old, new), version(old), version(new)
    except (Unusable, OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    shown = f"{'.'.join(map(str, before))} to {'.'.join(map(str, after))}"
    if may_break(before, after):
        for fault in found:
            print(f"{shown}, allowed by the version: {fault}")
        return 0
    for fault in found:
        print(f"{shown}: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
