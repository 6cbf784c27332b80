"""Tests of readings.py and of the tables below readings/; the standard library is enough: python -m unittest."""

import tempfile
import unittest
from pathlib import Path

import readings
from readings import Reading, ReadingError

HEADER = ",".join(readings.COLUMNS)


def reading(a, b):
    return Reading("chula-rbc-12", "1.jpg", 10.0, 20.0, "", a, b, 1.0, "drawn")


def table(*lines):
    """A table in a temporary file."""
    path = Path(tempfile.mkdtemp()) / "table.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    return path


class Consensus(unittest.TestCase):
    def test_the_mean_of_both_decides_on_either_side_of_its_limits(self):
        expected = {
            ("Sh", "S"): "schistocyte",
            ("P", "P"): "schistocyte",
            ("S", "D"): "schistocyte",
            ("Pt", "D"): "undecided",
            ("S", "N"): "undecided",
            ("P", "N"): "undecided",
            ("D", "N"): "none",
            ("M", "M"): "none",
            ("S", "X"): "not_assessable",
            ("X", "X"): "not_assessable",
        }
        self.assertEqual({pair: reading(*pair).consensus for pair in expected}, expected)

    def test_a_form_needs_both(self):
        self.assertEqual(reading("Sh", "Ph").form, "helmet")
        self.assertIsNone(reading("Sh", "Pt").form)
        self.assertIsNone(reading("S", "P").form)


class Kappa(unittest.TestCase):
    def test_a_worked_table(self):
        # 20 both yes, 5 and 10 split, 15 both no: agreed 0.70, by chance 0.50, kappa 0.40.
        pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
        self.assertAlmostEqual(readings.kappa(pairs), 0.4)

    def test_nothing_to_agree_on_has_no_kappa(self):
        self.assertIsNone(readings.kappa([]))
        self.assertIsNone(readings.kappa([("N", "N")] * 3))


class Tables(unittest.TestCase):
    def test_the_committed_tables_hold_what_the_page_of_the_models_states(self):
        stated = {
            "readings-2026-11.csv": (2691, 0.822, 0.738, (559, 258, 1365, 509)),
            "readings-2026-11-28.csv": (1720, 0.713, 0.664, (217, 232, 643, 628)),
            "readings-2026-11-28-b.csv": (462, 0.599, 0.686, (25, 55, 132, 250)),
            "readings-2026-11-29.csv": (205, 0.754, 0.769, (10, 21, 146, 28)),
        }
        self.assertEqual({path.name for path in readings.FOLDER.glob("*.csv")}, set(stated))
        for name, (cells, against_all_else, four, consensus) in stated.items():
            said = readings.agreement(readings.read_table(readings.FOLDER / name))
            self.assertEqual(said["cells"], cells, name)
            self.assertAlmostEqual(said["kappa_schistocyte_against_all_else"], against_all_else, places=3, msg=name)
            self.assertAlmostEqual(said["kappa_yes_undecided_no_not_assessable"], four, places=3, msg=name)
            kinds = ("schistocyte", "undecided", "none", "not_assessable")
            self.assertEqual(tuple(said["consensus"][kind] for kind in kinds), consensus, name)
        self.assertEqual(len(readings.read_tables()), 2691 + 1720 + 462 + 205)

    def test_a_third_of_the_labels_of_the_set_do_not_hold(self):
        first = readings.read_table(readings.FOLDER / "readings-2026-11.csv")
        labeled = readings.agreement([cell for cell in first if cell.label == "9"])
        self.assertEqual(labeled["consensus"], {"schistocyte": 319, "undecided": 112, "none": 218, "not_assessable": 68})

    def test_what_is_no_table_is_refused(self):
        for line in (
            "chula-rbc-12,1.jpg,10,20,,Q,N,1.0,x",
            "chula-rbc-12,1.jpg,10,20,,Nh,N,1.0,x",
            "chula-rbc-12,1.jpg,10,20,,Sz,N,1.0,x",
            "chula-rbc-12,1.jpg,ten,20,,N,N,1.0,x",
            "chula-rbc-12,1.jpg,-1,20,,N,N,1.0,x",
            "chula-rbc-12,1.jpg,10,20,,N,N,0,x",
        ):
            with self.assertRaises(ReadingError, msg=line):
                readings.read_table(table(line))

    def test_a_cell_in_two_tables_is_refused(self):
        path = table("chula-rbc-12,1.jpg,10,20,,N,N,1.0,x")
        (path.parent / "second.csv").write_text(path.read_text())
        with self.assertRaises(ReadingError):
            readings.read_tables(path.parent)


if __name__ == "__main__":
    unittest.main()
