"""Logs in to a review over TLS in a headless Chromium.

Usage: review_login.py PROGRAM CASES_FOLDER AXE_JS

PROGRAM is schistoquant built with the feature `tls`. A certificate is made with `openssl`. Fails where a wrong password comes in, a
right one does not, a plain request is answered, a cookie is not for encrypted requests alone, or axe finds a violation.
"""

import http.client
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from review_browser import Reader, chromium, serve

PASSWORD = "a password that is long enough"


def add(program, people, name, role):
    command = [program, "review", "--add-person", str(people), "--name", name, "--role", role]
    subprocess.run(command, input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)


def refuses_plain(address):
    try:
        urllib.request.urlopen(address.replace("https:", "http:"), timeout=10)
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return True
    return False


def main(program, folder, axe_file):
    axe = pathlib.Path(axe_file).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        certificate, key, people = place / "cert.pem", place / "key.pem", place / "people"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, stderr=subprocess.DEVNULL,
        )
        add(program, people, "Ada Lovelace", "Technician")
        options = ["--tls-certificate", certificate, "--tls-key", key, "--login", people]
        with chromium() as browser, serve(program, folder, *options, shown=r"https://127\.0\.0\.1:\d+/login") as address:
            assert refuses_plain(address)
            for size in ("wide", "phone"):
                wrong = Reader(
                    browser, address, "Ada Lovelace", size=size, axe=axe, password="another long password",
                    expected=["403"], ignore_https_errors=True,
                )
                assert "do not belong together" in wrong.text("main")
                wrong.axe(axe, "a wrong password")
                wrong.go("/")
                assert wrong.page.url.endswith("/login"), wrong.page.url
                wrong.close()
            ada = Reader(browser, address, "Ada Lovelace", password=PASSWORD, ignore_https_errors=True)
            assert ada.page.locator("a.specimen").count() >= 1 or ada.page.locator("main").count() == 1
            assert ada.page.url == ada.origin + "/", ada.page.url
            [cookie] = ada.context.cookies()
            assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
            ada.close()
    print("logged in over TLS; a wrong password, a plain request and a session without a name stay out")


if __name__ == "__main__":
    main(*sys.argv[1:])
