"""Uses the program as a technician, a LIMS integrator and a researcher would, and prints what each of them was told.

    python walk.py PROGRAM [DATA]

In: the program; the folder of the labeled sets (`SCHISTOQUANT_DATA`), without which the drawn specimen of `fixtures` stands for all
films; Pillow, which changes pictures as they are changed on their way. Out: a table in Markdown, one row for each command: who, what,
the exit code, and whether it was a surprise. Exit code 1 where there was one.

A step names what must come of it: the exit code, words that must be said (terminal or a file), and words that must not. The rows
are those of a walk in which wrong input became a quiet number; each stays here as a command.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
# Fields of a film in a step: enough to say something, few enough for a walk.
FIELDS = 6
# A count, of enough red cells or of too few for a percentage: films of a walk are small.
COUNTED = (0, 4)


@dataclass
class Walk:
    """The steps so far."""

    program: str
    rows: list = field(default_factory=list)

    def step(self, who, what, command, code=COUNTED, says=(), silent=(), check=None):
        """Run one command and compare it with what is expected; the answer is all that was said."""
        done = subprocess.run([self.program, *map(str, command)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        surprises = []
        codes = code if isinstance(code, tuple) else (code,)
        if done.returncode not in codes:
            surprises.append(f"exit code {done.returncode}, expected {' or '.join(map(str, codes))}: {said.strip()[-200:]}")
        surprises += [f"`{words}` was not said" for words in says if words not in said]
        surprises += [f"`{words}` was said" for words in silent if words in said]
        if done.returncode == 101 or "panicked" in said:
            surprises.append("a panic")
        if check is not None and not surprises:
            surprises += [found for found in [check()] if found]
        self.rows.append((who, what, done.returncode, "; ".join(surprises)))
        return said

    def print(self):
        """The table; the answer is the number of surprises."""
        print("| who | what | exit code | surprise |\n|---|---|--:|---|")
        for who, what, code, surprise in self.rows:
            print(f"| {who} | {what} | {code} | {surprise.replace(chr(10), ' ') or '–'} |")
        surprises = sum(bool(row[3]) for row in self.rows)
        print(f"\n{len(self.rows)} commands, {surprises} surprises")
        return surprises


def record(folder):
    """The record of a case."""
    return json.loads((folder / "case.json").read_text())


def expect(folder, test, words):
    """A check of a record: nothing where it holds, else what was expected."""
    return lambda: None if test(record(folder)) else f"expected {words}"


def films(data):
    """A film of fragments, another one and a healthy one: lists of pictures."""
    drawn = sorted((FIXTURES / "specimen").glob("*.jpg"))
    if data is None:
        return drawn[:FIELDS], drawn[FIELDS : 2 * FIELDS], drawn[2 * FIELDS : 3 * FIELDS]
    sets = ("chula-diseases/thalassemia", "chula-diseases/megaloblastic", "txl-pbc/pbc")
    found = []
    for name in sets:
        folder = next(path for path in (data / name / "images", data / name / "Images", data / name) if path.is_dir())
        found.append(sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))[:FIELDS])
    return found


def technician(walk, place, sick, other, healthy):
    """Films at the bench: copies, small and turned pictures, wrong sizes, used folders."""
    who = "technician"
    analyze = lambda inputs, out, *more: ["analyze", *inputs, "--out", place / out, *more]
    walk.step(who, "a film", analyze(sick, "a", "--accession", "A-1"), says=("fields: ",), silent=("suggests", "consistent with"))
    walk.step(
        who,
        "the same film seven times",
        analyze([copy(sick[0], place / f"copies/{n}{sick[0].suffix}") for n in range(7)], "copies-out", "--quiet"),
        says=("6 of 7 fields show a picture that is counted already",),
        check=expect(place / "copies-out", lambda case: sum(f["accepted"] for f in case["fields"]) <= 1, "one counted field"),
    )
    for name, change in (
        ("turned", lambda picture: picture.transpose(Image.Transpose.ROTATE_90)),
        ("mirrored", lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        ("saved again", lambda picture: picture),
        ("reduced to two thirds", lambda picture: picture.resize([side * 2 // 3 for side in picture.size])),
    ):
        changed = changed_picture(sick[0], place / "changed" / f"{name}.jpg", change)
        walk.step(
            who, f"a field and the same one {name}", analyze([sick[0], changed], f"twice-{name}", "--quiet"),
            says=("1 of 2 fields shows a picture that is counted already",),
        )
    small = [changed_picture(path, place / "small" / f"{path.stem}.png", lambda p: p.resize([s // 6 for s in p.size])) for path in sick]
    walk.step(
        who, "a film reduced to a sixth, as a messenger sends it", analyze(small, "small-out", "--quiet"), code=4,
        check=expect(place / "small-out", lambda case: case["count"]["state"] == "not_assessable", "not assessable"),
    )
    scale = record(place / "a")["fields"][0]["um_per_px"]
    walk.step(who, "half of the true pixel size", analyze(sick, "half", "--um-per-px", f"{scale / 2:.4f}", "--quiet"), code=4)
    walk.step(who, "twice the true pixel size", analyze(sick, "double", "--um-per-px", f"{scale * 2:.4f}", "--quiet"), code=4)
    walk.step(
        who, "1.35 times the true pixel size", analyze(sick, "large", "--um-per-px", f"{scale * 1.35:.4f}", "--quiet"),
        says=("check the pixel size",),
    )
    walk.step(
        who, "two films in one folder of results", analyze(other, "a", "--accession", "B-2", "--quiet"), code=2,
        says=("A-1", "B-2", "--out"),
        check=expect(place / "a", lambda case: case["accession"] == "A-1", "the first record as it was"),
    )
    walk.step(who, "the same film again", analyze(sick, "a", "--accession", "A-1", "--quiet"))
    walk.step(who, "the proof of a film that nobody read", ["review", place / "a", "--verify"], code=0, says=("0 events, not signed",))
    walk.step(who, "a review of no folder", ["review", place / "none"], code=3, says=("expected a folder with cases",))
    walk.step(who, "a review that the network may see", ["review", place / "a", "--listen", "0.0.0.0:0"], code=2, says=("--login",))
    walk.step(who, "a blank accession", analyze(sick, "blank", "--accession", " "), code=2)
    walk.step(who, "no picture", analyze([place / "none"], "x"), code=3, says=("none",))
    text = place / "notes.jpg"
    text.write_text("no picture")
    walk.step(who, "a text that is called a picture", analyze([text], "x"), code=3, says=("notes.jpg",))
    walk.step(who, "one picture cannot be read", analyze([*sick, text], "partly"), code=4, says=("notes.jpg",))
    nested = place / "nested"
    copy(sick[0], nested / f"one{sick[0].suffix}")
    copy(sick[1], nested / "deeper" / f"two{sick[1].suffix}")
    walk.step(who, "pictures in a folder of the folder", analyze([nested], "nested-out"), code=4, says=("deeper",))
    for path in sorted((FIXTURES / "bad").glob("*_*/*.*")):
        walk.step(who, f"the file {path.parent.name}/{path.name}", analyze([path], "x", "--quiet"), code=3, says=(path.name,))
    walk.step(who, "a stop rule of slides on photographs", analyze(sick, "x", "--cells", "1000"), code=2, says=("--cells",))
    gray = [changed_picture(path, place / "gray" / f"{path.stem}.png", lambda p: p.convert("L").convert("RGB")) for path in sick]
    walk.step(
        who, "a gray film", analyze(gray, "gray-out", "--quiet"), says=("unlike",),
        check=expect(place / "gray-out", lambda case: case["film"]["likeness"] in ("unlike", "beyond"), "an unlike film"),
    )
    diagnoses = ("consistent with", "suggests", "TMA excluded", "urgent")
    walk.step(who, "a healthy film", analyze(healthy, "healthy", "--quiet"), silent=("percentage is not specific", *diagnoses))
    walk.step(who, "the page of a case again", ["report", place / "a", "--out", place / "again", "--format", "html,json"])
    walk.step(who, "a format that is none", analyze(sick, "x", "--format", "doc"), code=2, says=("doc",))
    walk.step(who, "the model in use", ["model"], says=("operating point",))
    for name in ("analyze", "batch", "evaluate", "merge", "model", "pseudo-patients", "repeatability", "report", "score", "synth", "watch"):
        walk.step(who, f"help of {name}", [name, "--help"], code=0, says=("Usage:",))
    walk.step(who, "a command that is misspelt", ["analyse"], code=2, says=("analyze",))


def integrator(walk, place, sick, other):
    """A laboratory system: orders, panels, messages, a drop folder."""
    who = "integrator"
    order, labs = FIXTURES / "messages" / "order.json", FIXTURES / "labs" / "cancer.json"
    analyze = lambda out, *more: ["analyze", *sick, "--out", place / out, "--quiet", *more]
    formats = ("--format", "json,csv,hl7,fhir")
    walk.step(who, "an order as JSON", analyze("o-json", "--order", order, *formats))
    for name in ("order.hl7", "order.fhir.json"):
        walk.step(
            who, f"the same order as {name}", analyze(f"o-{name}", "--order", FIXTURES / "messages" / name, *formats),
            check=expect(place / f"o-{name}", lambda case: case["accession"] == record(place / "o-json")["accession"], "the same specimen"),
        )
    marked = place / "marked.json"
    marked.write_bytes(b"\xef\xbb\xbf" + order.read_bytes())
    walk.step(who, "an order with a byte order mark", analyze("o-bom", "--order", marked, *formats))
    for path in sorted((FIXTURES / "labs").glob("*.*")):
        walk.step(who, f"the panel {path.name}", ["score", "--labs", path])
    for path in sorted((FIXTURES / "labs" / "doubtful").glob("*.*")):
        if path.name != "expected.json":
            walk.step(who, f"the doubtful panel {path.name}", ["score", "--labs", path])
    for path in sorted((FIXTURES / "bad" / "labs").glob("*.*")):
        walk.step(who, f"the panel {path.name} that must be refused", ["score", "--labs", path], code=2, says=(path.name,))
    wrong = json.loads(order.read_text())
    panel = json.loads(labs.read_text())
    for key, value in (("family_name", "Smith"), ("birth_date", "1999-02-03"), ("sex", "male")):
        changed = place / f"order-{key}.json"
        changed.write_text(json.dumps(wrong | {"patient": wrong["patient"] | {key: value}}))
        named = place / "labs-of-doe.json"
        named.write_text(json.dumps(panel | {"patient": wrong["patient"]}))
        walk.step(who, f"a panel and an order that contradict each other: {key}", analyze("x", "--order", changed, "--labs", named), code=2, says=("expected",))
    walk.step(who, "a panel that is missing", analyze("x", "--labs", place / "none.json"), code=2, says=("none.json",))
    walk.step(who, "an order that is missing", analyze("x", "--order", place / "none.json"), code=2, says=("none.json",))
    walk.step(who, "messages without a time of issue", analyze("untimed", "--accession", "U-1", "--format", "hl7,json"))
    message = next((place / "untimed").glob("*.hl7")).read_text()
    assert "SCHISTO-STATE" in message and message.split("|")[6] == "", "a state, and no time that nobody gave"
    drop, results = place / "drop", place / "results"
    for index, films_of in enumerate((sick, other)):
        folder = drop / f"S-{index}"
        for path in films_of[:2]:
            copy(path, folder / path.name)
        (folder / ".ready").write_text("")
    copy(labs, drop / "S-0" / "LABS.JSON")
    watch = ["watch", drop, "--out", results, "--once", "--format", "json,hl7,csv"]
    walk.step(who, "two drops", watch, says=("S-0", "S-1"))
    accessions = sorted(record(folder)["accession"] for folder in results.iterdir() if (folder / "case.json").exists())
    assert accessions == ["S-0", "S-1"], accessions
    assert record(next(results.glob("S-0_*")))["evidence"] is not None, "LABS.JSON was read"
    copy(sick[0], drop / f"loose{sick[0].suffix}")
    (drop / "S-2").mkdir()
    (drop / "S-2" / "a.jpg").write_text("no picture")
    (drop / "S-2" / ".ready").write_text("")
    walk.step(who, "a drop that cannot be read", watch, code=1, says=("S-2",))
    assert (drop / "error" / "S-2.json").exists(), "a receipt"
    config = place / "lab.toml"
    config.write_text('[messages.hl7]\ncharacter_set = "8859/1"\n')
    walk.step(who, "messages in Latin 1", analyze("latin", "--order", order, "--config", config, *formats))
    bytes_of = next((place / "latin").glob("*.hl7")).read_bytes()
    assert b"8859/1" in bytes_of.split(b"\r")[0] and bytes_of.decode("latin-1").encode("latin-1") == bytes_of
    config.write_text('[messages.hl7]\ncharacter_set = "KLINGON"\n')
    walk.step(who, "messages in a set that is none", analyze("x", "--order", order, "--config", config, *formats), code=2, says=("KLINGON",))


def researcher(walk, place, sick, other, healthy):
    """A batch: manifests as programs write them, groups, a corrected manifest, duplicates."""
    who = "researcher"
    films_of = {"P1": sick, "P2": other, "P3": healthy}
    pool = place / "pool"
    for name, paths in films_of.items():
        for index, path in enumerate(paths[:3]):
            copy(path, pool / name / f"{name}_{index}{path.suffix}")
            copy(path, place / "flat" / f"{name}_{index}{path.suffix}")
    plain = [["accession", "inputs", "site"], *[[name, str(pool / name), "north"] for name in films_of]]
    spellings = {
        "comma": (",", "utf-8", "\n"),
        "semicolon": (";", "utf-8-sig", "\r\n"),
        "tab": ("\t", "utf-16", "\r\n"),
    }
    for name, (separator, encoding, end) in spellings.items():
        manifest = place / f"{name}.csv"
        lines = [separator.join(row) for row in plain]
        if name == "semicolon":
            lines[0] = lines[0].upper()
        manifest.write_bytes(end.join([*lines, ""]).encode(encoding))
        walk.step(who, f"a manifest with {name}", ["batch", manifest, "--out", place / f"b-{name}", "--quiet", "--format", "json,csv"])
        table = (place / f"b-{name}" / "specimens.csv").read_text()
        assert table.count("north") == 3, table
    manifest = place / "comma.csv"
    again = ["batch", manifest, "--out", place / "b-comma", "--resume", "--format", "json,csv"]
    walk.step(who, "the same batch again", again)
    copy(sick[3], pool / "P1" / f"P1_9{sick[3].suffix}")
    walk.step(
        who, "one more picture before --resume", again,
        check=lambda: None if len(record(next((place / "b-comma").rglob("P1_*/case.json")).parent)["fields"]) == 4 else "expected the new picture counted",
    )
    manifest.write_text(manifest.read_text().replace(f"P3,{pool / 'P3'}", f"P3,{place / 'gone'}"))
    walk.step(who, "a manifest with a folder that is gone", again, code=1, says=("comma.csv", "P3"))
    walk.step(
        who, "flat pictures by a pattern",
        ["batch", place / "flat", "--group", r"(?P<accession>P\d)_", "--out", place / "b-flat", "--quiet", "--format", "json,csv"],
    )
    walk.step(
        who, "what the pattern groups", ["batch", place / "flat", "--group", r"(?P<accession>P\d)_", "--out", place / "dry", "--dry-run"],
        says=("P1", "P2", "P3"),
    )
    walk.step(who, "a pattern without its group", ["batch", place / "flat", "--group", r"P\d", "--out", place / "x"], code=2, says=("accession",))
    walk.step(who, "loose pictures in a folder of specimens", ["batch", place / "flat", "--out", place / "x", "--quiet"], code=2)
    shared = place / "shared.csv"
    shared.write_text(f"accession,inputs\nQ1,{pool / 'P1'}\nQ2,{pool / 'P1'}\n")
    walk.step(who, "two specimens of the same pictures", ["batch", shared, "--out", place / "b-shared", "--format", "json,csv"], says=("Q1", "Q2"))
    turned = place / "turned.csv"
    changed_picture(sick[0], place / "turned" / "t.jpg", lambda picture: picture.transpose(Image.Transpose.ROTATE_90))
    turned.write_text(f"accession,inputs\nR1,{pool / 'P1'}\nR2,{place / 'turned'}\n")
    walk.step(
        who, "a picture of one specimen, turned, in another one's folder", ["batch", turned, "--out", place / "b-turned", "--format", "json,csv"],
        says=("R1 and R2 show the same picture",),
    )
    walk.step(who, "a drawn specimen", ["synth", "--out", place / "drawn", "--fields", "2", "--seed", "5", "--schistocyte-fraction", "0.1"])
    walk.step(who, "another seed into the same folder", ["synth", "--out", place / "drawn", "--fields", "1", "--seed", "6"], code=2)
    walk.step(who, "figures of the drawn specimen", ["evaluate", place / "drawn", "--labels", place / "drawn", "--out", place / "e", "--quiet"])
    walk.step(
        who, "labels and the claim of health", ["evaluate", place / "drawn", "--labels", place / "drawn", "--expect-none", "--out", place / "e2", "--quiet"],
        code=2,
    )


def copy(source, target):
    """A copy in a folder that is made where missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def changed_picture(source, target, change):
    """The picture after a change, saved by the target's extension."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        change(picture.convert("RGB")).save(target, quality=75)
    return target


def main():
    """All three, one after the other."""
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    walk = Walk(sys.argv[1])
    sick, other, healthy = films(data)
    with tempfile.TemporaryDirectory() as place:
        for name, part in (("t", technician), ("r", researcher)):
            (Path(place) / name).mkdir()
            part(walk, Path(place) / name, sick, other, healthy)
        (Path(place) / "i").mkdir()
        integrator(walk, Path(place) / "i", sick, other)
    sys.exit(1 if walk.print() else 0)


if __name__ == "__main__":
    main()
