"""Writes THIRD-PARTY.md: what of others is in the program, with the text of each licence once.

In: the JSON of `cargo about generate --format json` (cargo-about 0.9), what cargo resolves, the files of the packages. Out: the
page on stdout. Packages come from cargo and texts from cargo-about; a package without text is refused. Limits:
texts that differ in white space alone are taken for one, those of Apache
2.0 also where layout, the copyright lines (which are printed) or the how-to after the terms differ; of several licences that a package offers one is taken
(`about.toml`).

`third_party.py --listed PAGE` compares the packages of a page with those that cargo resolves, in a second.
"""

import json
import re
import sys
from pathlib import Path

from parts import FONTS, TARGETS, fonts, models, shipped_anywhere

FEATURES = "full"
# A line that names an owner and a year, not the pattern of one.
COPYRIGHT = re.compile(r"^\s*Copyright .*\d{4}.*$", re.MULTILINE)


def fenced(text: str) -> str:
    """A text as it stands, in a block that no line of it can end."""
    return f"~~~~~text\n{text.strip()}\n~~~~~\n"


def same(identifier: str, text: str) -> str:
    """What two texts of one licence have in common when one of them is enough."""
    if identifier != "Apache-2.0":
        return " ".join(text.split())
    letters = re.sub(r"[^a-z]", "", COPYRIGHT.sub("", text).lower().replace("https", "http"))
    terms, _, after = letters.partition("endoftermsandconditions")
    how_to = after.rpartition("limitationsunderthelicense")
    # A file may go on with the licence of another part: that is a text of its own.
    return terms if len(how_to[2]) < 20 and len(how_to[0]) < 1500 else letters


def names(packages: list[dict]) -> str:
    """Names with versions, wrapped so that a change of one changes few lines."""
    lines, line = [], ""
    for word in [f"{package['name']} {package['version']}" for package in packages]:
        if line and len(line) + len(word) > 118:
            lines.append(f"{line},")
            line = word
        else:
            line = f"{line}, {word}" if line else word
    return "\n".join([*lines, line])


def listed(page: Path) -> None:
    """Refuses a page that lists other packages than cargo resolves."""
    found = set(re.findall(r"^\| \[([^\]]+)\]\([^)]*\) \| (\S+) \|", page.read_text(), re.MULTILINE))
    expected = {(package["name"], package["version"]) for package in shipped_anywhere(FEATURES) if package["source"]}
    if found != expected:
        raise SystemExit(
            f"{page}: expected the packages that cargo resolves; missing {sorted(expected - found)}, "
            f"too many {sorted(found - expected)}: run packaging/third-party.sh and read the change"
        )


def main(about: str) -> None:
    """Prints the page from the answer of cargo-about."""
    packages = [package for package in shipped_anywhere(FEATURES) if package["source"]]
    known = {(package["name"], package["version"]) for package in packages}

    texts: dict[tuple[str, str], tuple[str, list[dict], set[str]]] = {}
    for licence in json.loads(Path(about).read_text())["licenses"]:
        text = licence["text"].replace("\r\n", "\n")
        used_by = [use["crate"] for use in licence["used_by"] if (use["crate"]["name"], use["crate"]["version"]) in known]
        if used_by:
            _, users, owners = texts.setdefault((licence["id"], same(licence["id"], text)), (text, [], set()))
            users.extend(used_by)
            if licence["id"] == "Apache-2.0":
                owners.update(line.strip() for line in COPYRIGHT.findall(text))
    with_text = {(package["name"], package["version"]) for _, users, _ in texts.values() for package in users}
    if with_text != known:
        raise SystemExit(f"no text of a licence for {sorted(known - with_text)}: clarify it in packaging/contents/about.toml")

    print(
        "# What of others is in schistoquant\n\n"
        "Made by `packaging/third-party.sh`; do not edit. It covers what releases carry on Linux\n"
        f"({', '.join(TARGETS)}; features `{FEATURES}`): {len(packages)} packages that are compiled in or used in compiling, Rust's standard\n"
        "library, fonts, and the models. The program itself is under the MIT licence (LICENSE).\n"
    )
    print("## Models\n\n| model | version | licence | SHA-256 |\n|---|---|---|---|")
    for part in models():
        print(f"| {part.name} | {part.version} | {part.licence} | `{part.sha256}` |")
    print("\nTheir cards (`schistoquant model`) name the labelled films that they were trained on, with the licences of those.\n")

    print(
        "## Fonts\n\nThey come with the feature `pdf`. Those of Foxit are of typst-assets, whose notice below holds their licence and those of\n"
        "fonts that are not in the program. The texts of the others follow.\n"
    )
    print("| font | licence |\n|---|---|")
    for part in fonts(packages):
        print(f"| {part.name} | {part.licence} |")
    for licence in sorted(FONTS.glob("*.txt")):
        print(f"\n### {licence.stem}\n\n{fenced(licence.read_text())}")

    print(
        "\n## Rust's standard library\n\n"
        "The Rust Project Developers, MIT or Apache-2.0 (texts below). The notices of its parts stand in COPYRIGHT-library.html of\n"
        "the toolchain, which lies beside each release.\n"
    )
    print(
        "## C libraries\n\n"
        "The program calls the C library of the system and contains none. Images hold those that their bills of materials name\n"
        "(of Debian: glibc, LGPL 2.1 or later; libgcc and libstdc++, GPL 3 or later with the GCC Runtime Library Exception). Programs that\n"
        "are linked by zig (in wheels, and the static one) contain its compiler-rt (MIT) and libunwind of LLVM (Apache 2.0 with the LLVM\n"
        "Exceptions; text below). The static program contains musl: Copyright © 2005-2020 Rich Felker, et al., MIT licence (text below).\n"
    )

    print("## Packages\n\n| package | version | licence |\n|---|---|---|")
    for package in packages:
        print(f"| [{package['name']}](https://crates.io/crates/{package['name']}) | {package['version']} | {package['license']} |")

    print("\n## Notices\n\nWhat packages ask to be passed on, word by word.\n")
    for package in packages:
        for notice in sorted(Path(package["manifest_path"]).parent.glob("NOTICE*")):
            print(f"### {package['name']} {package['version']}\n\n{fenced(notice.read_text())}")

    print("## Licence texts\n")
    for (identifier, _), (text, users, owners) in sorted(texts.items(), key=lambda item: (item[0][0], -len(item[1][1]), item[0][1])):
        users = sorted({(user["name"], user["version"]): user for user in users}.values(), key=lambda u: (u["name"], u["version"]))
        print(f"### {identifier}\n\n{names(users)}\n")
        if owners:
            print("\n".join([f"* {owner}" for owner in sorted(owners)]) + "\n")
        print(fenced(text))


if __name__ == "__main__":
    if sys.argv[1] == "--listed":
        listed(Path(sys.argv[2]))
    else:
        main(sys.argv[1])
