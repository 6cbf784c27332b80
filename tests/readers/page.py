"""Opens report.html in a headless Chromium and looks at what a reader would see.

Usage: page.py report.html case.json OUT

Needs Debian's chromium (or CHROMIUM, a path) and playwright from PyPI, which only drives it. Fails on a message in the
console, an error of the page, a request that leaves the file, a picture that is not decoded, a text wider than the page at
1280 or 390 px, or a figure that differs from the record. Leaves screenshots, and the page printed to PDF, in OUT.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

WIDTHS = (1280, 390)


def main(page_file, record, out):
    case = json.load(open(record, encoding="utf-8"))
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    address = pathlib.Path(page_file).resolve().as_uri()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            faults, requests = [], []
            page.on("console", lambda message: faults.append(message.text))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(address, wait_until="load")
            assert not faults, faults
            left = [url for url in requests if url != address and not url.startswith("data:")]
            assert not left, left
            pictures = page.evaluate(
                "async () => Promise.all([...document.images].map(async i => {"
                " try { await i.decode() } catch { return 0 } return i.naturalWidth }))"
            )
            assert all(pictures), f"{pictures.count(0)} of {len(pictures)} pictures not decoded"
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px of content on {width} px"
            overflowing = page.evaluate(
                "(w) => [...document.querySelectorAll('main *, header *, footer *')].filter(e => {"
                " const r = e.getBoundingClientRect();"
                " return r.width > 0 && r.right > w + 1 && !e.closest('.scroll, svg, .hidden') })"
                ".map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40))",
                width,
            )
            assert not overflowing, overflowing
            assert page.inner_text("[data-figure=statement]") == case["statement"]
            shown = page.query_selector("[data-figure=percent]")
            percent = case["count"]["percent"]
            assert (shown is None) == (percent is None)
            assert shown is None or shown.inner_text() == f"{percent:.2f}"
            words = " ".join(page.inner_text("body").split())
            evidence = case.get("evidence")
            for block in evidence["blocks"] if evidence else []:
                for item in block["items"]:
                    assert " ".join(item["value_text"].split()) in words, item["value_text"]
                for name in block["missing"]:
                    assert name in words, name
            page.screenshot(path=str(out / f"page-{width}.png"), full_page=True)
            if width == WIDTHS[0]:
                page.pdf(path=str(out / "page.pdf"), prefer_css_page_size=True, print_background=True)
            page.close()
        browser.close()
    pages = subprocess.run(["pdfinfo", out / "page.pdf"], capture_output=True, text=True, check=True).stdout
    assert "(A4)" in pages, pages
    text = subprocess.run(["pdftotext", out / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    sheets = [" ".join(sheet.split()) for sheet in text.split("\f")[:-1]]
    for number, sheet in enumerate(sheets, 1):
        assert case["footer"] in sheet, f"no footer on printed sheet {number}"
    print(f"{page_file}: {len(pictures)} pictures, {' and '.join(map(str, WIDTHS))} px, {len(sheets)} printed sheets")


if __name__ == "__main__":
    main(*sys.argv[1:])
