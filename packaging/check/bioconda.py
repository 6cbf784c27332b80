"""Renders and checks the recipe of bioconda as far as that can be done without conda and its channels.

In: the folder of the recipe, the repository's root, a folder to write to. Out: `tests.sh`, the commands of the recipe's test,
one per line; exit code 1 with every fault. The functions that conda-build lends to a recipe (`compiler`, `stdlib`,
`pin_subpackage`) are stood in for by their names. The rules are those of the guidelines and of the linter of bioconda that
can be told from the file: https://bioconda.github.io/contributor/linting.html
"""

import re
import sys
import tomllib
from pathlib import Path

import jinja2
import yaml


def rendered(text: str) -> dict:
    """The recipe after Jinja and YAML."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    lent = {
        "compiler": lambda language: f"{language}-compiler-stub",
        "stdlib": lambda language: f"{language}-stdlib-stub",
        "pin_subpackage": lambda name, max_pin: f"{name} max_pin={max_pin}",
    }
    return yaml.safe_load(environment.from_string(text).render(lent))


def faults(recipe: dict, text: str, folder: Path, root: Path) -> list[str]:
    """What a linter would say; empty where nothing is wrong."""
    manifest = tomllib.loads((root / "Cargo.toml").read_text())["package"]
    about, requirements = recipe["about"], recipe["requirements"]
    rules = {
        "name and version are those of Cargo.toml": recipe["package"] == {"name": manifest["name"], "version": manifest["version"]},
        "source has a stable address and a SHA-256": recipe["source"]["url"].endswith(f"-{manifest['version']}.tar.gz")
        and re.fullmatch("[0-9a-f]{64}", str(recipe["source"]["sha256"])) is not None,
        "build number is 0 at a new version": recipe["build"]["number"] == 0,
        "run_exports pins the package": recipe["build"]["run_exports"] == ["schistoquant max_pin=x.x"],
        "compilers and the C library stand in build": requirements["build"]
        == ["c-compiler-stub", "c-stdlib-stub", "rust-compiler-stub"],
        "home, summary, description": all(about.get(key) for key in ("home", "summary", "description")),
        "summary is no sentence": not about["summary"].endswith("."),
        "research use is stated": "research use only" in about["description"],
        "licence is that of Cargo.toml": about["license"] == manifest["license"],
        "licence files exist": all((root / name).is_file() for name in about["license_file"]),
        "the third parties are among them": "THIRD-PARTY.md" in about["license_file"],
        "tests do more than start the program": len(recipe["test"]["commands"]) > 3,
        "maintainers are left to the submitter": recipe["extra"]["recipe-maintainers"] == [],
        "no build.bat": not (folder / "build.bat").exists(),
        "no tabs, no trailing blanks": "\t" not in text and not re.search(r" +$", text, re.MULTILINE),
    }
    return [rule for rule, holds in rules.items() if not holds]


def main() -> None:
    """Checks, then shows that a broken recipe is found."""
    folder, root, out = map(Path, sys.argv[1:4])
    text = (folder / "meta.yaml").read_text()
    recipe = rendered(text)
    found = faults(recipe, text, folder, root)
    if found:
        raise SystemExit("\n".join([f"{folder}/meta.yaml: these do not hold:", *found]))
    broken = text.replace("    - THIRD-PARTY.md\n", "").replace('version = "', 'version = "9.')
    if len(faults(rendered(broken), broken, folder, root)) != 3:
        raise SystemExit("a recipe with three faults: expected all to be found")
    (out / "tests.sh").write_text("\n".join(["set -ex", *recipe["test"]["commands"]]) + "\n")
    print(f"-- meta.yaml rendered: {recipe['package']['version']}, {len(recipe['test']['commands'])} test commands")


if __name__ == "__main__":
    main()
