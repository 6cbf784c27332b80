"""A review in a headless Chromium: the server, pages that are watched, and hands that know no mouse.

Every page fails on a message in its console that was not expected, on an error, and on a request to anybody but the program.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

WIDTHS = {"wide": (1280, 900), "phone": (390, 844)}


@contextmanager
def serve(program, folder, *more, shown=r"http://127\.0\.0\.1:\d+/open/[0-9a-f]+"):
    """The address that `review` prints; the server ends by SIGTERM, which must be a regular end."""
    command = [program, "review", str(folder), "--listen", "127.0.0.1:0", *map(str, more)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        assert re.fullmatch(shown, address), address
        yield address
    except BaseException:
        server.kill()
        server.wait()
        raise
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0, f"exit code {server.returncode} after SIGTERM"


@contextmanager
def chromium():
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Reader:
    """A person at a browser of their own."""

    def __init__(self, browser, address, name, role="Technician", size="wide", axe=None, password=None, expected=(), **options):
        width, height = WIDTHS[size]
        self.origin = re.match(r"https?://[^/]+", address)[0]
        self.name, self.size = name, size
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        # What the console may say: parts of messages.
        self.expected = list(expected)
        self.faults, self.answers = [], []
        self.page.on("console", lambda message: self._note(message.text))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda request: self._leaves(request.url))
        self.page.on("response", self._keep)
        self.page.goto(address)
        if axe is not None:
            self.axe(axe, "the door")
        if password is None:
            self.begin(role)
        else:
            self.enter(password)

    def _note(self, text):
        if not any(part in text for part in self.expected):
            self.faults.append(text)

    def _leaves(self, url):
        if not url.startswith((self.origin + "/", "data:")):
            self.faults.append(f"request to {url}")

    def _keep(self, response):
        if "json" in response.headers.get("content-type", ""):
            self.answers.append(response)

    def begin(self, role):
        """Gives name and role, by keys."""
        self.tab_to("input[name=name]")
        self.page.keyboard.type(self.name)
        self.tab_to("input[name=role]")
        self.page.keyboard.type(role)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def enter(self, password):
        """Logs in, by keys."""
        self.tab_to("input[name=name]")
        self.page.keyboard.type(self.name)
        self.tab_to("input[name=password]")
        self.page.keyboard.type(password)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def go(self, path):
        self.page.goto(self.origin + path)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, selector, most=200):
        """Presses Tab until an element has the focus."""
        for _ in range(most):
            if self.page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}")

    def wait(self, expression):
        """Waits until an expression holds. Playwright's own wait evaluates in the page, which its policy forbids."""
        until = time.monotonic() + 15
        while not self.page.evaluate(f"() => Boolean({expression})"):
            assert time.monotonic() < until, f"never: {expression}"
            self.page.wait_for_timeout(20)

    def saved(self):
        """Waits until every decision is answered."""
        self.wait("!document.querySelector('.tile[data-standing=saving]')")

    def text(self, selector):
        return self.page.inner_text(selector)

    def cells(self, case, series="first"):
        """What the program says of the cells now."""
        return self.page.evaluate("path => fetch(path).then(a => a.json())", f"/case/{case}/cells.json?series={series}")

    def bodies(self):
        """Every JSON answer that reached this browser so far."""
        return [json.loads(answer.body()) for answer in self.answers]

    def check(self):
        assert not self.faults, self.faults
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        width = WIDTHS[self.size][0]
        assert wide <= width, f"{wide} px of content on {width} px at {self.page.url}"

    def picture(self, out, name, full=False):
        self.check()
        self.page.screenshot(path=str(out / f"{name}-{WIDTHS[self.size][0]}.png"), full_page=full)

    def axe(self, text, what):
        """Accessibility by axe-core. What Playwright evaluates is not subject to the page's policy."""
        self.check()
        self.page.evaluate(text)
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
        problems = [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({one['nodes'][0]['failureSummary'][:200]})" for one in found]
        assert not problems, f"{what}, {self.size}: " + "; ".join(problems)

    def close(self):
        self.check()
        self.page.close(run_before_unload=False)
        self.context.close()
