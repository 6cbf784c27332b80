#!/usr/bin/env python3
"""Whether those who read the last release's files can read this one's: `schema_compatibility.py OLD NEW`.

In: two checkouts. Out: one line for each promise that is broken; exit code 1 if there is one, 2 for wrong usage.

Which way a schema must hold depends on who reads the file.

* The program writes a record (`case.json`, `evaluation.json`, `suite.json`), others read it. A reader who was made for the old
  schema relies on what it promised, so a new document may say less than was allowed, never more. Breaking: a key is gone; a
  key that was always there may be missing; a type, a range or a list of values got wider; a map or an object that was closed takes
  other values. Harmless: a type, a range or a list of values got narrower; a key that might be missing is always there. A new
  key is harmless to a reader who passes over what it does not know, and must raise the second number.
* Others write a panel, the program reads it. What was accepted must be accepted: the same rules, the other way round. There a new
  key that may be left out is harmless, and one that is asked for is not.

A breaking change is allowed where the first number of the schema's version is higher. The number stands in the name of the
schema's file and in a constant of the program; both must agree.

Method: both schemas are walked side by side from the root. References are resolved. `anyOf`, `oneOf`, `type` lists and `enum` are
taken as sets of alternatives: each alternative of the later document must be one that the earlier reader knows.
Limits: keywords that the schemas of this project do not use are refused, because they would not be compared.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

Schema = dict[str, Any]

# Keywords that say nothing of a value.
SILENT = {"$schema", "$defs", "$id", "title", "description", "default", "examples"}
# Keywords that are compared.
COMPARED = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "prefixItems", "enum", "const", "anyOf", "oneOf",
    "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "contentEncoding",
}
# Bounds of a value: whether a greater number allows more.
BOUNDS = {"minimum": False, "minItems": False, "minLength": False, "maximum": True, "maxItems": True, "maxLength": True}
# Keywords that allow only what they say, so that another word allows other values.
EXACT = ("pattern", "format", "contentEncoding")
# Unsigned formats allow fewer values than the signed ones they are read by, and so on.
NARROWER_FORMATS = {("uint8", "uint16"), ("uint8", "uint32"), ("uint8", "uint64"), ("uint16", "uint32"), ("uint16", "uint64"),
                    ("uint32", "uint64"), ("int32", "int64"), ("float", "double")}


@dataclass(frozen=True)
class Record:
    """A file with a schema."""

    name: str
    folder: str
    is_input: bool
    # Folder and name of the constant that holds the version; none where the name of the schema alone does.
    constant: tuple[str, str] | None


RECORDS = (
    Record("case", "src/report/schema", False, ("src/case", "SCHEMA_VERSION")),
    Record("evaluation", "src/evaluate/schema", False, ("src/evaluate", "SCHEMA_VERSION")),
    Record("suite", "src/evaluate/schema", False, ("src/evaluate", "SUITE_SCHEMA_VERSION")),
    Record("panel", "src/clinical/schema", True, None),
)


class Unusable(Exception):
    """A checkout or a schema that cannot be compared."""


class Comparison:
    """Finds what a writer by `writer` may write that a reader by `reader` does not expect."""

    def __init__(self, reader: Schema, writer: Schema, is_input: bool) -> None:
        self.reader_root, self.writer_root, self.is_input = reader, writer, is_input
        self.breaks: list[str] = []
        self.additions: list[str] = []
        self._seen: set[tuple[str, str]] = set()
        self._compare("", reader, writer)

    def _compare(self, path: str, reader: Any, writer: Any) -> None:
        readers, writers = list(alternatives(reader, self.reader_root)), list(alternatives(writer, self.writer_root))
        for one in writers:
            kin = [other for other in readers if is_kin(other, one)]
            if len(kin) == 1:
                self._compare_alternative(path, kin[0], one)
            elif not kin:
                self.breaks.append(f"{path or '/'}: {words(one)} is a value that a reader does not know")
            elif not any(self._fits(other, one) for other in kin):
                self.breaks.append(f"{path or '/'}: {words(one)} fits none of the {len(kin)} that a reader knows")

    def _fits(self, reader: Schema, writer: Schema) -> bool:
        """Whether one alternative of several of a kind holds all values of another."""
        apart = Comparison.__new__(Comparison)
        apart.reader_root, apart.writer_root, apart.is_input = self.reader_root, self.writer_root, self.is_input
        apart.breaks, apart.additions, apart._seen = [], [], set(self._seen)
        apart._compare_alternative("", reader, writer)
        return not apart.breaks

    def _compare_alternative(self, path: str, reader: Schema, writer: Schema) -> None:
        # By their texts, in which references stay references: a schema may lead back to itself.
        pair = json.dumps(reader, sort_keys=True), json.dumps(writer, sort_keys=True)
        if pair in self._seen:
            return
        self._seen.add(pair)
        for key, more_is_wider in BOUNDS.items():
            own, other = reader.get(key), writer.get(key)
            if own is not None and (other is None or (other > own if more_is_wider else other < own)):
                self.breaks.append(f"{path or '/'}: {key} was {own}, is {'not limited' if other is None else other}")
        for key in EXACT:
            own, other = reader.get(key), writer.get(key)
            if own is not None and own != other and (other, own) not in NARROWER_FORMATS:
                self.breaks.append(f"{path or '/'}: {key} was {own!r}, is {other!r}")
        if reader.get("type") == "object" or "properties" in reader or "properties" in writer:
            self._compare_objects(path, reader, writer)
        if "items" in reader:
            self._compare(f"{path}[]", reader["items"], writer.get("items", {}))
        for index, item in enumerate(reader.get("prefixItems", [])):
            others = writer.get("prefixItems", [])
            self._compare(f"{path}[{index}]", item, others[index] if index < len(others) else writer.get("items", {}))

    def _compare_objects(self, path: str, reader: Schema, writer: Schema) -> None:
        read, written = reader.get("properties", {}), writer.get("properties", {})
        always_read, always_written = set(reader.get("required", [])), set(writer.get("required", []))
        for key in always_read - always_written:
            self.breaks.append(f"{path}/{key}: was always there, {'may be missing' if key in written else 'is gone'}")
        for key, schema in read.items():
            if key in written:
                self._compare(f"{path}/{key}", schema, written[key])
            elif key not in always_read and not self.is_input:
                self.breaks.append(f"{path}/{key}: is gone")
        for key in written.keys() - read.keys():
            if self.is_input and reader.get("additionalProperties", True) is False:
                self.breaks.append(f"{path}/{key}: is not accepted any more")
            elif isinstance(reader.get("additionalProperties"), dict):
                self._compare(f"{path}/{key}", reader["additionalProperties"], written[key])
            else:
                self.additions.append(f"{path}/{key}")
        if self.is_input:
            self.additions.extend(f"{path}/{key}" for key in read.keys() - written.keys())
        others_read, others_written = reader.get("additionalProperties", True), writer.get("additionalProperties", True)
        if isinstance(others_read, dict) and isinstance(others_written, dict):
            self._compare(f"{path}/*", others_read, others_written)
        elif others_read is not True and others_written is not False and others_read != others_written:
            self.breaks.append(f"{path or '/'}: holds keys that a reader does not expect")


def resolved(schema: Any, root: Schema) -> Schema:
    """The schema behind a reference; `true` is any value."""
    if schema is True:
        return {}
    if not isinstance(schema, dict):
        raise Unusable(f"expected a schema, found {schema!r}")
    unknown = set(schema) - SILENT - COMPARED
    if unknown:
        raise Unusable(f"expected keywords that are compared here, found {sorted(unknown)}; teach this program what they allow")
    if "$ref" not in schema:
        return schema
    found: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found, root)


def alternatives(schema: Any, root: Schema) -> Iterator[Schema]:
    """The alternatives of a schema, each of one type or one value."""
    schema = resolved(schema, root)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            for part in schema[key]:
                yield from alternatives(part, root)
            return
    if "enum" in schema:
        yield from ({"const": value} for value in schema["enum"])
    elif "const" in schema:
        yield {"const": schema["const"]}
    elif isinstance(schema.get("type"), list):
        yield from ({**schema, "type": one} for one in schema["type"])
    else:
        yield schema


def is_kin(reader: Schema, writer: Schema) -> bool:
    """Whether a value of the one may be one of the other, by type or by its word."""
    if "const" in writer:
        return reader["const"] == writer["const"] if "const" in reader else type_holds(reader.get("type"), writer["const"])
    if "const" in reader:
        return False
    own, other = reader.get("type"), writer.get("type")
    if own is not None and own != other and (own, other) != ("number", "integer"):
        return False
    return tag(reader) in (None, tag(writer))


def tag(schema: Schema) -> tuple[tuple[str, str], ...] | None:
    """The keys of an object that hold one fixed word, by which it is told from others; the one key of a tagged value."""
    properties = schema.get("properties", {})
    fixed = tuple(sorted((key, json.dumps(value["const"])) for key, value in properties.items()
                         if isinstance(value, dict) and "const" in value))
    if fixed:
        return fixed
    closed = schema.get("additionalProperties") is False and len(properties) == 1 and schema.get("required") == list(properties)
    return (("", next(iter(properties))),) if closed else None


def type_holds(name: str | None, value: Any) -> bool:
    """Whether a value is of a type of JSON Schema."""
    types = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    if name is None:
        return True
    if name in ("number", "integer"):
        return isinstance(value, (int,) if name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, types[name])


def words(schema: Schema) -> str:
    """An alternative in words."""
    return json.dumps(schema["const"]) if "const" in schema else str(schema.get("type", "any value"))


def found_schema(root: Path, record: Record) -> tuple[int, Schema] | None:
    """Number and text of a record's schema in a checkout; none where the record has none."""
    files = sorted((root / record.folder).glob(f"{record.name}-v*.json"))
    if not files:
        return None
    if len(files) > 1:
        raise Unusable(f"{root / record.folder}: expected one schema of {record.name}, found {[file.name for file in files]}")
    number = re.fullmatch(rf"{record.name}-v(\d+)\.json", files[0].name)
    if number is None:
        raise Unusable(f"{files[0]}: expected {record.name}-v<number>.json")
    return int(number[1]), json.loads(files[0].read_text(encoding="utf-8"))


def version(root: Path, record: Record, number: int) -> tuple[int, int]:
    """Version of a record's schema in a checkout: both numbers, the second 0 where it has none."""
    if record.constant is None:
        return number, 0
    folder, name = record.constant
    texts = [path.read_text(encoding="utf-8") for path in sorted((root / folder).glob("*.rs"))]
    found = re.findall(rf'\bconst {name}: &str = "(\d+)\.(\d+)";', "\n".join(texts))
    if len(found) != 1:
        raise Unusable(f"{root / folder}: expected the constant {name} once, with a version such as \"4.0\", found {len(found)}")
    both = int(found[0][0]), int(found[0][1])
    if both[0] != number:
        raise Unusable(f"{root / folder}: expected {name} {number}.x as in {record.name}-v{number}.json, found {both[0]}.{both[1]}")
    return both


def faults(old_root: Path, new_root: Path) -> list[str]:
    """Everything that a reader of the old checkout's files, or a writer of its panels, must not meet."""
    found = []
    for record in RECORDS:
        old, new = found_schema(old_root, record), found_schema(new_root, record)
        if old is None:
            continue
        if new is None:
            found.append(f"{record.name}.json: its schema is gone")
            continue
        before, after = version(old_root, record, old[0]), version(new_root, record, new[0])
        shown = f"{record.name}.json {before[0]}.{before[1]} to {after[0]}.{after[1]}"
        if after < before:
            found.append(f"{shown}: the version went back")
        if after[0] > before[0]:
            continue
        reader, writer = (new[1], old[1]) if record.is_input else (old[1], new[1])
        comparison = Comparison(reader, writer, record.is_input)
        found += [f"{shown}: {text}" for text in comparison.breaks]
        if comparison.additions and after == before and record.constant is not None:
            added = ", ".join(sorted(comparison.additions)[:5])
            found.append(f"{shown}: new keys ({added}) and the same version; raise the second number")
    return found


def main(arguments: list[str]) -> int:
    """Compares two checkouts; the exit code."""
    if len(arguments) != 2 or not all(Path(argument, "src").is_dir() for argument in arguments):
        print("usage: schema_compatibility.py OLD NEW, both checkouts of the repository", file=sys.stderr)
        return 2
    try:
        found = faults(Path(arguments[0]), Path(arguments[1]))
    except (Unusable, OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
