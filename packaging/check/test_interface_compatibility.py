"""Tests of `interface_compatibility.py`: `python3 -m unittest test_interface_compatibility`, in its folder."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import unittest
from pathlib import Path

from interface_compatibility import Unusable, breaks, commands, main, may_break, names

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("Cargo.toml", "docs/command-line.md", "docs/files.md", "docs/messages.md")


class Pages(unittest.TestCase):
    """The pages of this repository, changed."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.old, self.new = (Path(place.name, name) for name in ("old", "new"))
        for root in (self.old, self.new):
            for page in PAGES:
                (root / page).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / page, root / page)

    def change(self, page: str, old: str, new: str) -> list[str]:
        """What breaks where the text of a page is another one."""
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.new / page).write_text(text.replace(old, new, 1), encoding="utf-8")
        found = breaks(self.old, self.new)
        shutil.copy(REPOSITORY / page, self.new / page)
        return found

    def without_row(self, page: str, beginning: str) -> list[str]:
        """What breaks where a row of a table is gone."""
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        [row] = [line for line in text.splitlines() if line.startswith(beginning)][:1]
        return self.change(page, row + "\n", "")

    def test_the_pages_are_read_whole(self) -> None:
        found = commands(REPOSITORY)
        self.assertGreaterEqual(len(found), 15)
        self.assertGreaterEqual(sum(len(arguments) for arguments in found.values()), 120)
        analyze = found["analyze"]
        self.assertEqual(analyze["--age-group"].words, {"adult", "term-neonate", "preterm-neonate"})
        self.assertEqual((analyze["--age-group"].default, analyze["--max-cells"].default), ("adult", "10000"))
        self.assertEqual((analyze["--config"].variable, analyze["--onnxruntime"].variable), ("SCHISTOQUANT_CONFIG", "ORT_DYLIB_PATH"))
        self.assertTrue(analyze["--out"].is_required and analyze["INPUT"].is_required and not analyze["--json"].is_required)
        self.assertEqual((analyze["--out"].value, analyze["--json"].value), ("DIR", ""))
        self.assertEqual(found["evaluate"]["--complete-labels"].words, {"true", "false"})
        self.assertIn("MANIFEST|FOLDER", found["batch"])
        self.assertLessEqual({"0", "1", "2", "3", "4", "5", "6", "101", "130"}, names(REPOSITORY, "docs/files.md", "Exit codes"))
        self.assertIn("x_min", names(REPOSITORY, "docs/files.md", "cells.csv"))
        self.assertIn("SCHISTO-STATE", names(REPOSITORY, "docs/messages.md", "Items"))

    def test_unchanged_pages_break_nothing(self) -> None:
        self.assertEqual(breaks(self.old, self.new), [])

    def test_what_is_gone_breaks(self) -> None:
        line = "docs/command-line.md"
        self.assertEqual(self.without_row(line, "| `--issued-at"), ["`analyze --issued-at` is gone"])
        self.assertEqual(self.change(line, "## score\n", "## scores\n"), ["`score` is gone"])
        self.assertEqual(self.change(line, ", `preterm-neonate` (Newborns before term)", ""),
                         ["`analyze --age-group`: no longer takes `preterm-neonate`"])
        self.assertEqual(self.change(line, " Environment: `SCHISTOQUANT_CONFIG`", ""),
                         ["`analyze --config`: no longer read from SCHISTOQUANT_CONFIG"])
        self.assertEqual(self.without_row("docs/files.md", "| 4 | report made"), ["exit code 4 is gone"])
        self.assertEqual(self.without_row("docs/files.md", "| `hidden_share`"), ["column of cells.csv hidden_share is gone"])
        self.assertEqual(self.without_row("docs/files.md", "| `state` | `above`"), ["column of the specimen table state is gone"])
        self.assertEqual(self.without_row("docs/files.md", "| `made_before`"), ["key of a receipt made_before is gone"])
        self.assertEqual(self.without_row("docs/messages.md", "| `SCHISTO-PCT` | called"), ["code of a message SCHISTO-PCT is gone"])

    def test_what_is_otherwise_breaks(self) -> None:
        line = "docs/command-line.md"
        self.assertEqual(self.change(line, "| `--quiet` |", "| `--quiet LEVEL` |"), ["`analyze --quiet`: takes a value now"])
        self.assertEqual(self.change(line, "| `--seed N` |", "| `--seed` |"), ["`analyze --seed`: takes no value any more"])
        self.assertEqual(self.change(line, "Default: `adult`", "Default: `term-neonate`"),
                         ["`analyze --age-group`: the default was adult, is term-neonate"])
        self.assertEqual(self.change(line, "[default: 10000]", "[default: 5000]"),
                         ["`analyze --max-cells`: the default was 10000, is 5000"])
        self.assertEqual(self.change(line, "by default that of the order |", "by default that of the order. Required |"),
                         ["`analyze --accession`: is asked for now"])

    def test_what_is_new_breaks_only_where_it_is_asked_for(self) -> None:
        line, before = "docs/command-line.md", "| `--quiet` |"
        self.assertEqual(self.change(line, before, "| `--loud` | Says more |\n" + before), [])
        self.assertEqual(self.change(line, before, "| `--key FILE` | A key. Required |\n" + before),
                         ["`analyze --key`: is new and asked for"])
        self.assertEqual(self.change("docs/files.md", "| 130 |", "| 7 | something new |\n| 130 |"), [])

    def test_another_text_of_help_breaks_nothing(self) -> None:
        self.assertEqual(self.change("docs/command-line.md", "Specimen number; by default", "Number of the specimen; by default"), [])

    def test_a_page_without_its_heading_is_refused(self) -> None:
        with self.assertRaisesRegex(Unusable, "expected the heading `## Items`"):
            self.change("docs/messages.md", "## Items", "## Things")

    def test_the_version_allows_a_break_and_says_it_aloud(self) -> None:
        self.assertEqual([may_break(*pair) for pair in (
            ((0, 2, 0), (0, 2, 1)), ((0, 2, 0), (0, 3, 0)), ((0, 9, 0), (1, 0, 0)), ((1, 2, 0), (1, 3, 0)), ((1, 2, 0), (2, 0, 0)),
            ((1, 2, 0), (1, 2, 0)),
        )], [False, True, True, False, True, False])
        text = (REPOSITORY / "docs/command-line.md").read_text(encoding="utf-8")
        (self.new / "docs/command-line.md").write_text(text.replace("| `--json` |", "| `--yaml` |"), encoding="utf-8")

        def run(version: str) -> tuple[int, str]:
            for root, number in ((self.old, "1.4.0"), (self.new, version)):
                (root / "Cargo.toml").write_text(f'[package]\nversion = "{number}"\n', encoding="utf-8")
            with contextlib.redirect_stdout(io.StringIO()) as said:
                return main([str(self.old), str(self.new)]), said.getvalue()

        code, said = run("1.5.0")
        self.assertEqual((code, said.splitlines()[0]), (1, "1.4.0 to 1.5.0: `analyze --json` is gone"))
        code, said = run("2.0.0")
        self.assertEqual((code, said.splitlines()[0]), (0, "1.4.0 to 2.0.0, allowed by the version: `analyze --json` is gone"))
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(main([str(self.old)]), 2)


if __name__ == "__main__":
    unittest.main()
