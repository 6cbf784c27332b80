"""Tests of `schema_compatibility.py`: `python3 -m unittest test_schema_compatibility`, in its folder."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable

from schema_compatibility import Comparison, Unusable, faults, main

REPOSITORY = Path(__file__).resolve().parents[2]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["state", "percent", "cells", "shape", "of"],
    "properties": {
        "state": {"$ref": "#/$defs/State"},
        "percent": {"type": ["number", "null"]},
        "cells": {"type": "integer", "format": "uint64", "minimum": 0},
        "note": {"anyOf": [{"$ref": "#/$defs/Note"}, {"type": "null"}]},
        "counts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "limits": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "shape": {"oneOf": [{"type": "object", "required": ["round"], "additionalProperties": False,
                             "properties": {"round": {"type": "number"}}},
                            {"type": "object", "required": ["long"], "additionalProperties": False,
                             "properties": {"long": {"type": "number"}}}]},
        "of": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
    },
    "$defs": {
        "State": {"oneOf": [{"const": "above", "description": "x"}, {"enum": ["not_above", "open"]}]},
        "Note": {"type": "object", "properties": {"by": {"type": "string"}}, "required": ["by"]},
        "Tree": {"type": "object", "required": ["of"], "properties": {"of": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
    },
}


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The schema with a change."""
    schema = copy.deepcopy(SCHEMA)
    change(schema)
    assert schema != SCHEMA, "the change changes nothing"
    return schema


def property_as(key: str, schema: Any) -> dict[str, Any]:
    """The schema with another schema of one key."""
    return changed(lambda whole: whole["properties"].update({key: schema}))


class Output(unittest.TestCase):
    """What others read."""

    def breaks(self, new: dict[str, Any]) -> list[str]:
        return Comparison(SCHEMA, new, is_input=False).breaks

    def test_the_same_schema_breaks_and_adds_nothing(self) -> None:
        same = Comparison(SCHEMA, copy.deepcopy(SCHEMA), is_input=False)
        self.assertEqual((same.breaks, same.additions), ([], []))

    def test_words_for_people_break_nothing(self) -> None:
        self.assertEqual(self.breaks(property_as("percent", {"type": ["null", "number"], "description": "new"})), [])

    def test_a_key_that_is_gone_breaks_whether_it_was_required_or_not(self) -> None:
        def without(key: str) -> dict[str, Any]:
            return changed(lambda whole: (whole["properties"].pop(key),
                                          key in whole["required"] and whole["required"].remove(key)))
        self.assertEqual(self.breaks(without("cells")), ["/cells: was always there, is gone"])
        self.assertEqual(self.breaks(without("note")), ["/note: is gone"])

    def test_a_key_that_may_be_missing_now_breaks_and_one_that_is_always_there_now_does_not(self) -> None:
        self.assertEqual(self.breaks(changed(lambda whole: whole["required"].remove("cells"))),
                         ["/cells: was always there, may be missing"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["required"].append("note"))), [])

    def test_a_wider_type_breaks_and_a_narrower_one_does_not(self) -> None:
        self.assertEqual(self.breaks(property_as("cells", {"type": ["integer", "null"], "format": "uint64", "minimum": 0})),
                         ["/cells: null is a value that a reader does not know"])
        self.assertEqual(self.breaks(property_as("cells", {"type": "number", "minimum": 0})),
                         ["/cells: number is a value that a reader does not know"])
        self.assertEqual(self.breaks(property_as("percent", {"type": "string"})),
                         ["/percent: string is a value that a reader does not know"])
        self.assertEqual(self.breaks(property_as("percent", {"type": "number"})), [])
        self.assertEqual(self.breaks(property_as("percent", {"type": "integer"})), [])

    def test_any_value_at_all_breaks(self) -> None:
        self.assertEqual(self.breaks(property_as("cells", True)), ["/cells: any value is a value that a reader does not know"])

    def test_a_new_word_breaks_and_one_that_is_gone_does_not(self) -> None:
        more = changed(lambda whole: whole["$defs"]["State"]["oneOf"].append({"const": "near"}))
        self.assertEqual(self.breaks(more), ['/state: "near" is a value that a reader does not know'])
        self.assertEqual(self.breaks(changed(lambda whole: whole["$defs"]["State"]["oneOf"].pop())), [])
        self.assertEqual(self.breaks(property_as("state", {"type": "string"})),
                         ["/state: string is a value that a reader does not know"])

    def test_a_new_alternative_of_a_tagged_value_breaks(self) -> None:
        flat = {"type": "object", "required": ["flat"], "additionalProperties": False, "properties": {"flat": {"type": "number"}}}
        self.assertEqual(self.breaks(changed(lambda whole: whole["properties"]["shape"]["oneOf"].append(flat))),
                         ["/shape: object is a value that a reader does not know"])

    def test_a_change_inside_of_an_alternative_is_found(self) -> None:
        def wider(whole: dict[str, Any]) -> None:
            whole["properties"]["shape"]["oneOf"][1]["properties"]["long"] = {"type": ["number", "null"]}
        self.assertEqual(self.breaks(changed(wider)), ["/shape/long: null is a value that a reader does not know"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["$defs"]["Note"].pop("required"))),
                         ["/note/by: was always there, may be missing"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["$defs"]["Tree"].update(required=[]))),
                         ["/of[]/of: was always there, may be missing"])

    def test_bounds_on_both_sides(self) -> None:
        cells = {"type": "integer", "format": "uint64"}
        self.assertEqual(self.breaks(property_as("cells", {**cells, "minimum": 1})), [])
        self.assertEqual(self.breaks(property_as("cells", {**cells, "minimum": -1})), ["/cells: minimum was 0, is -1"])
        self.assertEqual(self.breaks(property_as("cells", cells)), ["/cells: minimum was 0, is not limited"])
        limits = {"type": "array", "items": {"type": "number"}}
        self.assertEqual(self.breaks(property_as("limits", {**limits, "minItems": 2, "maxItems": 3})),
                         ["/limits: maxItems was 2, is 3"])
        self.assertEqual(self.breaks(property_as("limits", {**limits, "minItems": 1, "maxItems": 2})),
                         ["/limits: minItems was 2, is 1"])

    def test_formats(self) -> None:
        cells = {"type": "integer", "minimum": 0}
        self.assertEqual(self.breaks(property_as("cells", {**cells, "format": "uint32"})), [])
        self.assertEqual(self.breaks(property_as("cells", {**cells, "format": "int64"})), ["/cells: format was 'uint64', is 'int64'"])

    def test_other_values_of_a_map_break(self) -> None:
        self.assertEqual(self.breaks(property_as("counts", {"type": "object", "additionalProperties": {"type": "string"}})),
                         ["/counts/*: string is a value that a reader does not know"])
        self.assertEqual(self.breaks(property_as("counts", {"type": "object"})), ["/counts: holds keys that a reader does not expect"])
        self.assertEqual(self.breaks(changed(lambda whole: whole.pop("additionalProperties"))),
                         ["/: holds keys that a reader does not expect"])

    def test_a_new_key_is_an_addition(self) -> None:
        found = Comparison(SCHEMA, property_as("film", {"type": "string"}), is_input=False)
        self.assertEqual((found.breaks, found.additions), ([], ["/film"]))

    def test_a_keyword_that_is_not_compared_is_refused(self) -> None:
        with self.assertRaisesRegex(Unusable, "patternProperties"):
            self.breaks(property_as("note", {"patternProperties": {}}))


class Input(unittest.TestCase):
    """What others write: the other way round."""

    def breaks(self, new: dict[str, Any]) -> list[str]:
        return Comparison(new, SCHEMA, is_input=True).breaks

    def test_what_was_accepted_must_be_accepted(self) -> None:
        self.assertEqual(self.breaks(copy.deepcopy(SCHEMA)), [])
        self.assertEqual(self.breaks(property_as("film", {"type": "string"})), [])
        asked = changed(lambda whole: (whole["properties"].update(film={"type": "string"}), whole["required"].append("film")))
        self.assertEqual(self.breaks(asked), ["/film: was always there, is gone"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["properties"].pop("note"))), ["/note: is not accepted any more"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["required"].remove("cells"))), [])
        self.assertEqual(self.breaks(property_as("percent", {"type": "number"})), ["/percent: null is a value that a reader does not know"])
        self.assertEqual(self.breaks(changed(lambda whole: whole["$defs"]["State"]["oneOf"].append({"const": "near"}))), [])
        self.assertNotEqual(self.breaks(changed(lambda whole: whole["$defs"]["State"]["oneOf"].pop())), [])


class Checkouts(unittest.TestCase):
    """Schemas with their versions in two folders."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.old, self.new = (Path(place.name, name) for name in ("old", "new"))
        self.write(self.old, "4.1", SCHEMA)

    def write(self, root: Path, version: str, schema: dict[str, Any]) -> None:
        for folder in ("src/report/schema", "src/case"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for old in (root / "src/report/schema").glob("*"):
            old.unlink()
        file = root / f"src/report/schema/case-v{version.split('.')[0]}.json"
        file.write_text(json.dumps(schema), encoding="utf-8")
        (root / "src/case/record.rs").write_text(f'pub const SCHEMA_VERSION: &str = "{version}";\n', encoding="utf-8")

    def test_what_breaks_needs_a_higher_first_number(self) -> None:
        less = changed(lambda whole: whole["required"].remove("cells"))
        self.write(self.new, "4.1", less)
        self.assertEqual(faults(self.old, self.new), ["case.json 4.1 to 4.1: /cells: was always there, may be missing"])
        self.write(self.new, "4.2", less)
        self.assertEqual(len(faults(self.old, self.new)), 1)
        self.write(self.new, "5.0", less)
        self.assertEqual(faults(self.old, self.new), [])

    def test_what_is_added_needs_a_higher_second_number(self) -> None:
        more = property_as("film", {"type": "string"})
        self.write(self.new, "4.1", more)
        self.assertEqual(faults(self.old, self.new),
                         ["case.json 4.1 to 4.1: new keys (/film) and the same version; raise the second number"])
        self.write(self.new, "4.2", more)
        self.assertEqual(faults(self.old, self.new), [])

    def test_a_version_does_not_go_back_and_a_schema_does_not_go_away(self) -> None:
        self.write(self.new, "4.0", SCHEMA)
        self.assertEqual(faults(self.old, self.new), ["case.json 4.1 to 4.0: the version went back"])
        (self.new / "src/report/schema/case-v4.json").unlink()
        self.assertEqual(faults(self.old, self.new), ["case.json: its schema is gone"])

    def test_a_file_and_a_constant_that_disagree_are_refused(self) -> None:
        self.write(self.new, "4.1", SCHEMA)
        (self.new / "src/case/record.rs").write_text('const SCHEMA_VERSION: &str = "5.0";', encoding="utf-8")
        with self.assertRaisesRegex(Unusable, "expected SCHEMA_VERSION 4.x as in case-v4.json, found 5.0"):
            faults(self.old, self.new)

    def test_exit_codes(self) -> None:
        def code(*arguments: Path) -> int:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return main([str(argument) for argument in arguments])
        self.write(self.new, "4.1", SCHEMA)
        self.assertEqual(code(self.old, self.new), 0)
        self.write(self.new, "4.1", changed(lambda whole: whole["required"].remove("cells")))
        self.assertEqual(code(self.old, self.new), 1)
        self.assertEqual((code(self.old), code(self.old, self.new / "none")), (2, 2))
        self.write(self.new, "4.1", property_as("note", {"not": {}}))
        self.assertEqual(code(self.old, self.new), 2)

    def test_the_schemas_of_this_repository_are_compared_whole(self) -> None:
        self.assertEqual(faults(REPOSITORY, REPOSITORY), [])


if __name__ == "__main__":
    unittest.main()
