"""Completes a bill of materials of cargo-cyclonedx: what the artefact holds besides packages.

In: the bill of cargo-cyclonedx (CycloneDX 1.5, JSON), the artefact, the program in it. Out: the bill with
models, fonts, scripts, Rust's standard library and, of an image, the C libraries of the system; without paths of this
machine, with the SHA-256 of the artefact, the same bytes from the same input. Limits: a model or font is listed only if its
bytes stand in the program; packages are those that `cargo tree` names for Linux: cargo-cyclonedx 0.5 lists 70 more, which other
systems and the tests ask for.
"""

import argparse
import hashlib
import json
import os
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

from parts import ROOT, Part, fonts, models, scripts, shipped

KINDS = {"model": "machine-learning-model", "font": "file", "script": "file", "style": "file", "page": "file"}
SPDX = {"MIT", "OFL-1.1", "Bitstream-Vera", "BSD-3-Clause"}
# Licences of the packages of Debian that an image holds libraries of, from their copyright files.
DEBIAN = {
    "libc6": "LGPL-2.1-or-later",
    "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
}


def sha256(path: Path) -> list[dict]:
    """The hash of a file as CycloneDX writes it."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]


def file_component(part: Part) -> dict:
    """A model, font, script, style or page."""
    licence = {"id": part.licence} if part.licence in SPDX else {"name": part.licence}
    return {
        "type": KINDS[part.kind],
        "bom-ref": f"{part.kind}:{part.name}@{part.version}",
        "name": part.name,
        "version": part.version,
        "hashes": [{"alg": "SHA-256", "content": part.sha256}],
        "licenses": [{"license": licence}],
        "properties": [{"name": "schistoquant:part", "value": part.kind}],
    }


def standard_library() -> dict:
    """Rust's standard library, which every program of Rust contains."""
    version = subprocess.run(["rustc", "--version"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]
    return {
        "type": "library",
        "bom-ref": f"rust-std@{version}",
        "name": "rust-std",
        "version": version,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }


def system_library(path: str) -> dict:
    """The package of Debian that a library of an image comes from."""
    owner = None
    for candidate in (path, path.removeprefix("/usr"), f"/usr{path}", os.path.realpath(path)):
        found = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            owner = found.stdout.split(": ")[0].split(",")[0]
            break
    if owner is None:
        raise SystemExit(f"{path}: no package of Debian owns it: an image is described on Debian only")
    query = ["dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}", owner]
    name, version, architecture = subprocess.run(query, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\t")
    if name not in DEBIAN:
        raise SystemExit(f"{path}: licence of the package {name} is not in {__file__}: read its copyright file and add it")
    return {
        "type": "library",
        "bom-ref": f"deb:{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:deb/debian/{name}@{version}?arch={architecture}".replace("+", "%2B"),
        "licenses": [{"expression": DEBIAN[name]}],
    }


def without_paths(text: str) -> str:
    """The bill without the folders of this machine."""
    for folder in (ROOT.as_uri(), str(ROOT)):
        text = text.replace(f"path+{folder}", "schistoquant").replace(folder, "file://.")
    return text


def main() -> None:
    """Reads, completes, writes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cargo_bill", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--artefact", type=Path, required=True, help="whose bill this is; its SHA-256 goes into it")
    arguments.add_argument("--program", type=Path, required=True, help="the program or library in the artefact")
    arguments.add_argument("--features", required=True, help="of the program")
    arguments.add_argument("--system-library", nargs="*", default=[], help="C libraries in the artefact")
    arguments.add_argument("--manifest", type=Path, default=ROOT / "Cargo.toml", help="of the package in the artefact")
    given = arguments.parse_args()

    bill = json.loads(without_paths(given.cargo_bill.read_text()))
    root = bill["metadata"]["component"]
    content = given.program.read_bytes()
    packages = shipped(given.features, given.manifest)
    built = {(package["name"], package["version"]) for package in packages}
    listed = {(component["name"], component["version"]) for component in bill["components"]}
    if missing := built - listed - {(root["name"], root["version"])}:
        raise SystemExit(f"{given.cargo_bill}: expected every package that is built; missing {sorted(missing)}")
    bill["components"] = [c for c in bill["components"] if (c["name"], c["version"]) in built]
    files = models() + fonts(packages) + scripts(root["version"])
    inside = [part for part in files if part.path.read_bytes() in content]
    if [part for part in files if part.kind == "model" and part not in inside]:
        raise SystemExit(f"{given.program}: expected the graphs of models/ in it: build it again from this source")
    added = [file_component(part) for part in inside] + [standard_library()]
    libraries = {library["bom-ref"]: library for library in map(system_library, given.system_library)}
    added += libraries.values()

    root["hashes"] = sha256(given.artefact)
    root["properties"] = [{"name": "schistoquant:artefact", "value": given.artefact.name}]
    bill["components"] = sorted(bill["components"] + added, key=lambda component: component["bom-ref"])
    kept = {component["bom-ref"] for component in bill["components"]} | {root["bom-ref"]}
    bill["dependencies"] = [dependency for dependency in bill["dependencies"] if dependency["ref"] in kept]
    for dependency in bill["dependencies"]:
        if "dependsOn" in dependency:
            dependency["dependsOn"] = [reference for reference in dependency["dependsOn"] if reference in kept]
        if dependency["ref"] == root["bom-ref"]:
            dependency["dependsOn"] = sorted(dependency.get("dependsOn", []) + [component["bom-ref"] for component in added])
    bill["dependencies"] = sorted(
        bill["dependencies"] + [{"ref": component["bom-ref"]} for component in added], key=lambda dependency: dependency["ref"]
    )
    # Of the content, so that the same artefact has the same bill.
    moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bill["metadata"]["timestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    bill.pop("serialNumber", None)
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bill, sort_keys=True))}"
    given.out.write_text(json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    kinds = ", ".join(f"{sum(part.kind == kind for part in inside)} {kind}s" for kind in KINDS)
    print(f"-- {given.out.name}: {len(bill['components'])} components ({kinds}, {len(libraries)} of the system)")


if __name__ == "__main__":
    main()
