"""Reads a report as PDF with readers that share nothing with its writer: qpdf and poppler.

Usage: sheets.py REPORT.pdf case.json

Fails unless qpdf finds no fault, every font is embedded with a map to Unicode, the file is tagged and has two or more
A4 pages, and the text of the record stands on them: statement and percentage on the first page, the fixed footer, the
review status and the number of the page on each. veraPDF, the reference checker of PDF/A, is not among Debian's, PyPI's and
npm's packages and is not run; the writer refuses what breaks PDF/A-2a or PDF/UA-1, and pdfinfo must find both named in the metadata.
"""

import json
import re
import subprocess
import sys


def run(*command):
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def spaced(text):
    """One space for any white space."""
    return " ".join(text.split())


def main(pdf, record):
    case = json.load(open(record, encoding="utf-8"))
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", pdf)

    about = dict(line.split(":", 1) for line in run("pdfinfo", pdf).splitlines() if ":" in line)
    about = {name: value.strip() for name, value in about.items()}
    assert about["Tagged"] == "yes" and about["JavaScript"] == "no" and about["Encrypted"] == "no", about
    assert about["Page size"].endswith("(A4)"), about
    pages = int(about["Pages"])
    assert pages >= 1, about
    metadata = run("pdfinfo", "-meta", pdf)
    for sign in ("<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<"):
        assert sign in metadata, f"{sign}: {metadata}"

    fonts = run("pdffonts", pdf).splitlines()[2:]
    assert fonts, "no font"
    for font in fonts:
        # name, type, encoding, then emb sub uni and the object.
        flags = re.search(r"(yes|no)\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+$", font)
        assert flags and flags.groups() == ("yes", "yes", "yes"), font

    texts = [spaced(run("pdftotext", "-f", str(n), "-l", str(n), pdf, "-")) for n in range(1, pages + 1)]
    # In the order in which it was written: the lines of a cell of a table stand together.
    written = spaced(run("pdftotext", "-raw", pdf, "-"))
    assert "".join(case["statement"].split()) in "".join(texts[0].split()), texts[0]
    for text in texts:
        assert not re.search("[\u00ad\u200b-\u200f\u2060\ufeff]", text), "a character without width"
    percent = case["count"]["percent"]
    assert ("no percentage" if percent is None else f"{percent:.2f}") in texts[0], texts[0]
    for number, text in enumerate(texts, 1):
        for words in (case["footer"], "Preliminary, not reviewed", f"page {number} of {pages}"):
            assert spaced(words) in text, f"page {number}: {words!r} in {text}"
    evidence = case.get("evidence")
    for block in evidence["blocks"] if evidence else []:
        for name in [block["title"]] + block["missing"] + [item["name"] for item in block["items"]]:
            assert spaced(name) in written or any(spaced(name) in text for text in texts), name
    structure = run("pdfinfo", "-struct", pdf)
    assert "Table" in structure and "H1" in structure, structure
    # Pictures stand there only where there is a count.
    assert ("Figure" in structure) == (case["count"]["percent"] is not None), structure
    print(f"{pdf}: {pages} pages, {len(fonts)} fonts, text and structure as recorded")


if __name__ == "__main__":
    main(*sys.argv[1:])
