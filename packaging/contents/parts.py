"""What the program contains besides packages: models, fonts, scripts, styles, Rust's standard library.

In: this repository, `cargo metadata` and the files of the packages that cargo has unpacked. Out: `Part`s with SHA-256.
"""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What releases are built for.
TARGETS = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu"]

# The fonts of the sheets, whose licences lie beside them.
FONTS = ROOT / "src/report/pdf/fonts"
# Start of a font's file name and its licence as an SPDX identifier, as the files beside the fonts say; of Foxit's, as NOTICE of
# `typst-assets` says.
FONT_LICENCES = {"LibertinusSerif-": "OFL-1.1", "DejaVuSansMono": "Bitstream-Vera", "Foxit": "BSD-3-Clause"}


@dataclass(frozen=True)
class Part:
    """A file inside of the program."""

    kind: str  # model, font, script, style or page
    name: str
    version: str
    licence: str
    path: Path

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def shipped(features: str, target: str) -> list[dict]:
    """The packages that are compiled into the program for a target or run while it is compiled, as `cargo metadata` describes them.

    `cargo metadata` alone names more: with the features that tests and other systems ask for, 70 packages that no build sees.
    """
    chosen = ["--locked", f"--features={features}"]
    tree = ["cargo", "tree", *chosen, f"--target={target}", "--edges=normal,build", "--prefix=none", "--format={p}"]
    lines = subprocess.run(tree, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = {tuple(line.split()[:2]) for line in lines if line}
    command = ["cargo", "metadata", *chosen, "--format-version=1", f"--filter-platform={target}"]
    described = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    packages = [package for package in described if (package["name"], f"v{package['version']}") in built]
    if len(packages) != len(built):
        raise SystemExit(f"{ROOT}/Cargo.toml: cargo tree names {len(built)} packages, cargo metadata describes {len(packages)} of them")
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def shipped_anywhere(features: str) -> list[dict]:
    """The packages of any of the targets."""
    packages = {(package["name"], package["version"]): package for target in TARGETS for package in shipped(features, target)}
    return [packages[key] for key in sorted(packages)]


def models() -> list[Part]:
    """The graphs in `models`. Raises where a graph is not the one that its card describes."""
    parts = []
    for graph in sorted((ROOT / "models").glob("*.onnx")):
        card = json.loads(graph.with_suffix(".card.json").read_text())
        part = Part("model", card["name"], card["version"], card.get("licence", "MIT"), graph)
        if part.sha256 != card["graph_sha256"]:
            raise SystemExit(f"{graph}: expected SHA-256 {card['graph_sha256']} of its card, found {part.sha256}")
        parts.append(part)
    if not parts:
        raise SystemExit(f"{ROOT}/models: expected graphs, found none")
    return parts


def fonts(packages: list[dict]) -> list[Part]:
    """The fonts of the sheets, and those that the package `typst-assets` brings without being asked; none without that package."""
    parts = []
    for package in packages:
        if package["name"] == "typst-assets":
            brought = (Path(package["manifest_path"]).parent / "files/fonts").glob("Foxit*")
            own = [path for path in FONTS.iterdir() if path.suffix != ".txt"]
            for path in sorted([*own, *brought], key=lambda path: path.name):
                licence = next((licence for start, licence in FONT_LICENCES.items() if path.name.startswith(start)), None)
                if licence is None:
                    raise SystemExit(f"{path}: a font whose licence is not in {__file__}: lay its licence beside it and add it")
                parts.append(Part("font", path.name, package["version"], licence, path))
    return parts


def scripts(version: str) -> list[Part]:
    """Scripts, styles and templates of ours that stand in pages and sheets."""
    kinds = {".js": "script", ".css": "style", ".typ": "page"}
    paths = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in kinds)
    return [Part(kinds[path.suffix], str(path.relative_to(ROOT)), version, "MIT", path) for path in paths]
