"""Reads and signs a case in a headless Chromium, as technicians do.

Usage: review.py PROGRAM CASES_FOLDER OUT_PICTURES AXE_JS

PROGRAM is schistoquant, CASES_FOLDER holds at least one case with cells to read, HL7, FHIR and the page (it is changed),
AXE_JS is axe-core's `axe.min.js`. Needs Debian's chromium (or CHROMIUM, a path), poppler's `pdftotext`, and playwright from PyPI.

A whole case is read by keyboard alone, a missed cell is added, one that was left out is counted, a reading undone; another
person reads blind; two people meet at one cell; the case is signed, opened again, corrected. Fails where a figure does not
follow, a page tells a blind reader anything, a decision looks saved that is not, a report does not follow the signature, axe
finds a violation, or `--verify` finds a fault. Leaves pictures in OUT_PICTURES.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from review_browser import Reader, chromium, serve

# Keys of a reading, one after another; `o` opens the list of names.
READINGS = (("s",), ("1",), ("2",), ("n",), ("u",), ("5",), ("o", "b"), ("3",), ("o", "t"), ("4",))
# Time in which a page of a thousand cells must stand, ms.
THOUSAND_TILES_MS = 1000


def standing(reader):
    return reader.page.eval_on_selector_all(".tile", "tiles => tiles.map(t => t.dataset.standing || (t.dataset.read ? 'read' : 'unread'))")


def follows(reader, case):
    """The head shows what the program says."""
    figures = reader.cells(case)["figures"]
    shown = {name: reader.text(f".figures [data-figure={name}]") for name in ("percent", "state_words", "outlook", "read", "unread")}
    percent = "no percentage" if figures["percent"] is None else f"{figures['percent']:.2f} %"
    assert shown["percent"] == percent, (shown, figures)
    for name in ("state_words", "outlook", "read", "unread"):
        assert shown[name] == str(figures[name]), (shown, figures)
    assert reader.page.get_attribute(".figures .state", "data-state") == figures["state"]
    assert reader.page.locator(".figures .of:visible").count() == 1
    return figures


def read_all(reader):
    """Reads every cell by keys."""
    count = reader.page.locator(".tile").count()
    reader.tab_to(".tile")
    for place in range(count):
        assert reader.page.evaluate("document.activeElement.matches('.tile')"), place
        for key in READINGS[place % len(READINGS)]:
            if key in "bt":
                reader.wait("document.getElementById('naming').open")
            reader.press(key)
    reader.saved()
    assert standing(reader) == ["read"] * count


def undo(reader, case):
    before = follows(reader, case)["read"]
    reader.press("Backspace")
    reader.wait("document.querySelector('.tile[data-standing=unread]')")
    assert follows(reader, case)["read"] == before - 1
    key = reader.page.evaluate("document.activeElement.dataset.key")
    assert reader.page.get_attribute(f"#cell-{key}", "data-standing") == "unread"
    reader.press("s")
    reader.saved()
    # A reading over a reading, undone: the one before is there again.
    reader.press("x")
    reader.wait(f"document.getElementById('cell-{key}').dataset.read === 'not_assessable'")
    reader.press("Control+z")
    reader.wait(f"document.getElementById('cell-{key}').dataset.read === 'schistocyte'")
    assert follows(reader, case)["read"] == before


def empty_place(reader, case, field):
    """A place of a field that is far from every object, px."""
    view = reader.page.evaluate("path => fetch(path).then(a => a.json())", f"/case/{case}/field/{field}.json?series=first")
    places = [(x, y) for x in range(40, view["width_px"] - 40, 10) for y in range(40, view["height_px"] - 40, 10)]
    return max(places, key=lambda p: min((o["x_px"] - p[0]) ** 2 + (o["y_px"] - p[1]) ** 2 for o in view["objects"]))


def cross_at(reader):
    words = reader.text("#field .said").removeprefix("Cross at ").removesuffix(" px.").split(", ")
    return [int(word) for word in words]


def add_missed(reader, case):
    """A missed cell, by keys: field, cross, arrows, form, reason."""
    before = reader.cells(case)["figures"]
    field = int(reader.page.evaluate("document.activeElement.dataset.field"))
    x, y = empty_place(reader, case, field)
    reader.press("f")
    reader.wait("document.querySelector('#field .object.chosen')")
    reader.press("0", "a")
    for axis, keys in ((0, ("ArrowLeft", "ArrowRight")), (1, ("ArrowUp", "ArrowDown"))):
        target = (x, y)[axis]
        key = keys[cross_at(reader)[axis] < target]
        while (cross_at(reader)[axis] < target) == (key == keys[1]):
            reader.press(key)
    reader.press("1")
    reader.wait("document.activeElement.name === 'reason'")
    reader.page.keyboard.type("a clear fragment between two cells")
    reader.press("Enter")
    reader.wait("document.querySelector('#field .said').textContent === 'Saved.'")
    figures = reader.cells(case)["figures"]
    assert figures["added"] == before["added"] + 1
    assert figures["red_cells"] == before["red_cells"] + 1


def count_left_out(reader, case):
    """A cell that the program left out, counted with a reason, in the field that is open."""
    before = reader.cells(case)["figures"]["included"]
    for _ in range(400):
        reader.press("j")
        if reader.page.evaluate("Boolean(document.querySelector('#field .object.excluded.chosen') && document.querySelector('#field .reads:not([hidden])'))"):
            break
    else:
        raise AssertionError("the field has no cell that was left out")
    reader.press("n")
    reader.wait("document.activeElement.name === 'reason'")
    # Escape takes the question back and leaves the field open.
    reader.press("Escape")
    reader.wait("document.querySelector('#field .why').hidden")
    assert reader.page.evaluate("document.getElementById('field').open")
    reader.press("2")
    reader.wait("document.activeElement.name === 'reason'")
    reader.page.keyboard.type("whole inside the field: <b>its outline is seen</b>")
    reader.press("Enter")
    reader.wait("document.querySelector('#field .said').textContent === 'Saved.'")
    assert reader.cells(case)["figures"]["included"] == before + 1


def read_blind(reader, case, first):
    """Another person, who must be told nothing."""
    reader.go(f"/case/{case}/blind")
    page = reader.page.content()
    for told in (first.name, "data-group=", "Read by ", "Left out", 'data-figure="percent"'):
        assert told not in page, told
    assert reader.page.locator(".tile .called:not(:empty)").count() == 0
    read_all(reader)
    count = reader.page.locator(".tile").count()
    assert reader.text("[data-figure=own]") == f"{count} of {count}"
    reader.press("f")
    reader.wait("document.querySelector('#field .object.chosen')")
    told = reader.cells(case, "second")
    cells = [*told["cells"]]
    for body in reader.bodies():
        cells += body.get("cells", []) + body.get("objects", []) + [cell for cell in [body.get("cell")] if cell]
        assert body.get("figures") is None
    assert len(cells) > 3 * count
    for cell in cells:
        assert [cell[name] for name in ("group", "called", "probability", "excluded", "by")] == [None] * 5, cell
    reader.press("Escape")
    # Whoever read blind is no first reader, and whoever read first is not blind.
    reader.expected.append("422")
    first.expected.append("422")
    first.go(f"/case/{case}/blind")
    assert "you read this case first" in first.text("main")
    first.go(f"/case/{case}")


def meet(first, other, case, axe, out):
    """Two people at one cell: the second is told, and nothing is lost. Without an answer nothing looks saved."""
    other.expected += ["409", "ERR_INTERNET_DISCONNECTED"]
    other.go(f"/case/{case}")
    for reader in (first, other):
        reader.tab_to(".tile")
    key = other.page.evaluate("document.activeElement.dataset.key")
    first.press("Home", "u")
    first.saved()
    other.press("Home", "s")
    other.wait("document.querySelector('#alerts .alert')")
    told = other.text("#alerts")
    assert first.name in told and "undecided" in told and "Your reading: Schistocyte" in told, told
    assert other.page.get_attribute(f"#cell-{key}", "data-read") == "undecided"
    other.axe(axe, "conflict")
    other.picture(out, "conflict")
    other.tab_to("#alerts button:nth-of-type(2)")
    other.press("Enter")
    other.wait(f"document.getElementById('cell-{key}').dataset.read === 'schistocyte'")
    other.tab_to(".tile")
    other.press("Home")
    other.context.set_offline(True)
    other.press("n")
    other.wait(f"document.getElementById('cell-{key}').dataset.standing === 'failed'")
    assert "NOT saved" in other.text(f"#cell-{key}") and "NOT saved" in other.text("#alerts")
    assert other.page.get_attribute(f"#cell-{key}", "data-read") == "schistocyte"
    other.axe(axe, "not saved")
    other.picture(out, "not-saved")
    other.context.set_offline(False)
    other.press("r")
    other.wait(f"document.getElementById('cell-{key}').dataset.standing === 'read'")
    assert other.page.get_attribute(f"#cell-{key}", "data-read") == "other"
    assert other.page.locator("#not-saved").count() == 0


def sign(reader, case, meaning, comment):
    reader.go(f"/case/{case}")
    reader.tab_to(".signing input[name=meaning]")
    place = ("reviewed", "reviewed_and_released", "released").index(meaning)
    reader.press("Space", *["ArrowDown"] * place)
    assert reader.page.input_value(".signing input[name=meaning]:checked") == meaning
    reader.tab_to(".signing textarea")
    reader.page.keyboard.type(comment)
    reader.tab_to(".signing button[type=submit]")
    with reader.page.expect_navigation():
        reader.press("Enter")
    assert reader.page.url.endswith(f"/case/{case}"), reader.text("main")
    assert reader.page.locator(".head .tag.signed").count() == 1


def reopen(reader, reason):
    reader.tab_to(".reopen summary")
    reader.press("Enter")
    reader.tab_to(".reopen textarea")
    reader.page.keyboard.type(reason)
    reader.tab_to(".reopen button[type=submit]")
    with reader.page.expect_navigation():
        reader.press("Enter")
    assert reason in reader.text("#sign")


def reports(folder, hl7, fhir, signer):
    """Messages and page say how far the result has come, and give the reviewed value."""
    record = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    [message] = folder.glob("*.hl7")
    [request] = [line.split("|") for line in message.read_bytes().decode().split("\r") if line.startswith("OBR|")]
    assert request[25] == hl7, request
    [bundle] = folder.glob("*.fhir.json")
    entries = [entry["resource"] for entry in json.loads(bundle.read_text(encoding="utf-8"))["entry"]]
    [report] = [entry for entry in entries if entry["resourceType"] == "DiagnosticReport"]
    assert report["status"] == fhir, report["status"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert signer in page and "Reviewed" in page
    assert f"{record['count']['percent']:.2f}" in page
    return record


def thousand(browser, program):
    """The page of a made case of a thousand cells stands within a second."""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        made = ["--seed", "7", "--fields", "26", "--schistocyte-fraction", "0.6"]
        subprocess.run([program, "synth", "--out", place / "film", *made], **quiet)
        subprocess.run([program, "analyze", place / "film", "--out", place / "cases" / "film", "--format", "json"], **quiet)
        with serve(program, place / "cases") as address:
            reader = Reader(browser, address, "Ada")
            [path] = reader.page.eval_on_selector_all("a.specimen", "links => links.map(l => l.getAttribute('href'))")
            times = []
            for _ in range(3):
                reader.page.goto(reader.origin + path, wait_until="commit")
                reader.page.wait_for_selector("footer", state="attached")
                times.append(reader.page.evaluate(
                    "() => { const t = [...document.querySelectorAll('.tile')].at(-1); t.getBoundingClientRect();"
                    " t.scrollIntoView(); return performance.now() }"
                ))
            count = reader.page.locator(".tile").count()
            assert count >= 1000, f"{count} tiles"
            # The least of three: machines that do other work are slower at times.
            assert min(times) < THOUSAND_TILES_MS, times
            reader.wait("!document.querySelector('.panel').hidden")
            reader.tab_to(".tile")
            steps = reader.page.evaluate(
                "async () => { const times = []; for (let i = 0; i < 60; i++) { const from = performance.now();"
                " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));"
                " await new Promise(requestAnimationFrame); times.push(performance.now() - from) } return times.sort((a, b) => a - b) }"
            )
            reader.close()
    print(f"{count} tiles stand after {', '.join(f'{t:.0f}' for t in times)} ms; a step takes {steps[len(steps) // 2]:.0f} ms")


def look(browser, address, case, axe, out, stage):
    """Pictures and axe of every page and what opens over it, on both widths."""
    for size in ("wide", "phone"):
        reader = Reader(browser, address, f"Looker {size}", size=size)
        reader.go("/?show=all")
        reader.axe(axe, "worklist")
        reader.picture(out, f"{stage}-worklist", full=True)
        reader.go(f"/case/{case}")
        reader.wait("document.querySelector('.tile[aria-selected=true]')")
        reader.page.wait_for_load_state("networkidle")
        reader.axe(axe, "case")
        reader.picture(out, f"{stage}-case")
        reader.page.locator("#sign").scroll_into_view_if_needed()
        reader.picture(out, f"{stage}-sign")
        reader.tab_to(".tile")
        reader.press("Home")
        for key, dialog in (("z", "zoom"), ("f", "field"), ("?", "help"), ("o", "naming")):
            if dialog == "naming" and stage == "signed":
                continue
            reader.press(key)
            reader.wait(f"document.getElementById('{dialog}').open")
            reader.page.wait_for_load_state("networkidle")
            if dialog == "field":
                reader.wait("document.querySelector('#field .object.chosen')")
            reader.axe(axe, dialog)
            reader.picture(out, f"{stage}-{dialog}")
            reader.press("Escape")
            reader.wait("!document.querySelector('dialog[open]')")
        reader.close()


def blind_look(browser, address, case, axe, out):
    for size in ("wide", "phone"):
        reader = Reader(browser, address, "Blind", size=size)
        reader.go(f"/case/{case}/blind")
        reader.page.wait_for_load_state("networkidle")
        reader.axe(axe, "blind")
        reader.picture(out, "blind")
        reader.close()


def plain(browser, address, case, out):
    """Without a script the cells are there and the form signs; on paper they stand with their readings."""
    reader = Reader(browser, address, "Plain", java_script_enabled=False)
    reader.go(f"/case/{case}")
    assert reader.page.locator(".tile:visible").count() == reader.page.locator(".tile").count() > 0
    assert reader.page.locator(".signing button[type=submit]:visible").count() == 1
    assert reader.page.locator(".panel:visible").count() == 0
    reader.page.pdf(path=str(out / "case.pdf"), format="A4")
    reader.close()
    text = subprocess.run(["pdftotext", out / "case.pdf", "-"], capture_output=True, text=True, check=True).stdout
    text = " ".join(text.split())
    for words in ("helmet", "Burr cell", "Not a", "Read by Ada Lovelace"):
        assert words in text, words
    assert "Enlarge" not in text, "the panel is not for paper"


def main(program, folder, out, axe_file):
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    axe = pathlib.Path(axe_file).read_text(encoding="utf-8")
    with chromium() as browser:
        with serve(program, folder) as address:
            walk(browser, address, folder, out, axe)
        proof = subprocess.run([program, "review", "--verify", folder], capture_output=True, text=True)
        assert proof.returncode == 0, proof.stdout + proof.stderr
        thousand(browser, program)
    print(proof.stdout.strip())


def walk(browser, address, folder, out, axe):
    stranger = browser.new_context()
    assert stranger.request.get(address.split("/open/")[0] + "/").status == 403, "nobody comes in without the token"
    stranger.close()
    ada = Reader(browser, address, "Ada Lovelace <i>", "Senior & technician", axe=axe)
    ada.expected.append("404")
    ada.go("/nothing")
    ada.axe(axe, "nothing")
    ada.go("/")
    ada.tab_to("a.specimen")
    case = ada.page.evaluate("document.activeElement.closest('tr').dataset.case")
    name = ada.page.evaluate("document.activeElement.closest('tr').querySelector('small.folder')?.textContent ?? document.activeElement.textContent")
    with ada.page.expect_navigation():
        ada.press("Enter")
    look(browser, address, case, axe, out, "unread")
    blind_look(browser, address, case, axe, out)

    read_all(ada)
    follows(ada, case)
    undo(ada, case)
    add_missed(ada, case)
    count_left_out(ada, case)
    ada.press("Escape")
    ada.wait("!document.querySelector('dialog[open]')")
    figures = follows(ada, case)
    assert (figures["added"], figures["included"]) == (1, 1)
    assert ada.page.locator("#further .tile").count() == 2

    read_blind(Reader(browser, address, "Bea Blind"), case, ada)
    meet(ada, Reader(browser, address, "Cleo Later"), case, axe, out)
    plain(browser, address, case, out)
    look(browser, address, case, axe, out, "read")

    sign(ada, case, "reviewed_and_released", "read twice")
    own = folder / name if (folder / name / "case.json").is_file() else folder
    record = reports(own, "F", "final", "Ada Lovelace")
    look(browser, address, case, axe, out, "signed")
    # A signed case is not read.
    signed = ada.cells(case)
    ada.tab_to(".tile")
    ada.press("n")
    ada.page.wait_for_timeout(200)
    assert ada.cells(case) == signed
    reopen(ada, "one cell was misread")
    ada.axe(axe, "reopened")
    ada.tab_to(".tile")
    ada.press("Home", "1")
    ada.saved()
    sign(ada, case, "reviewed", "")
    corrected = reports(own, "C", "amended", "Ada Lovelace")
    assert corrected["review"]["number"] == record["review"]["number"] + 1 == 2
    assert corrected["review"]["second_reading"]["second"]["name"] == "Bea Blind"
    ada.close()
    print(f"{own.name}: read, read blind, signed, corrected; {len(record['review']['readings'])} readings")


if __name__ == "__main__":
    main(*sys.argv[1:])
