"""Bills of materials of artefacts: packages by cargo-cyclonedx, and what an artefact holds besides.

In: artefacts: programs, wheels (`.whl`) and images (OCI archives, `.tar`). Out: `<artefact>.cdx.json` of each (CycloneDX 1.5,
JSON): packages, models, fonts, scripts, Rust's standard library, the C runtime that is linked in and, of an image, the
libraries that lie in it; without paths of this machine, with the SHA-256 of the artefact, the same bytes from the same input.
Limits: a model or font is listed only if its bytes stand in the program; packages are those that `cargo tree` names for the
target: cargo-cyclonedx 0.5 lists 70 more, which other systems and the tests ask for. Needs readelf.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
import tomllib
import uuid
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from parts import ROOT, Part, fonts, models, scripts, shipped

KINDS = {"model": "machine-learning-model", "font": "file", "script": "file", "style": "file", "page": "file"}
SPDX = {"MIT", "OFL-1.1", "Bitstream-Vera", "BSD-3-Clause"}
# Licences of the packages of Debian that an image holds libraries of, from their copyright files.
DEBIAN = {
    "libc6": "LGPL-2.1-or-later",
    "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libstdc++6": "GPL-3.0-or-later WITH GCC-exception-3.1",
}
# Version of musl in a version of zig: lib/libc/musl/src/internal/version.h of its package.
MUSL_OF_ZIG = {"0.17.1": "1.2.5"}
# Where the version of zig is stated.
ZIG_STATED = ("packaging/toolchain.sh", "packaging/python/requirements-build.txt")


@dataclass(frozen=True)
class Inside:
    """What lies in an artefact."""

    program: bytes
    # Paths of the other files of an image, with their content.
    files: dict[str, bytes] = field(default_factory=dict)


def inside(artefact: Path) -> Inside:
    """The program in an artefact. Raises where there is none."""
    name = "schistoquant"
    if artefact.suffix == ".whl":
        with zipfile.ZipFile(artefact) as wheel:
            found = [one for one in wheel.namelist() if one.endswith(f".data/scripts/{name}")]
            programs = [wheel.read(one) for one in found]
        files = {}
    elif artefact.suffix == ".tar":
        files = image_files(artefact)
        programs = [files.pop(one) for one in list(files) if one.endswith(f"/bin/{name}")]
    else:
        programs, files = [artefact.read_bytes()], {}
    if len(programs) != 1:
        raise SystemExit(f"{artefact}: expected one program {name} in it, found {len(programs)}")
    return Inside(programs[0], files)


def image_files(archive: Path) -> dict[str, bytes]:
    """The regular files of all layers of an OCI archive, by absolute path."""
    files = {}
    with tarfile.open(archive) as image:

        def blob(digest: str):
            return image.extractfile(f"blobs/{digest.replace(':', '/')}")

        (entry,) = json.load(image.extractfile("index.json"))["manifests"]
        for layer in json.load(blob(entry["digest"]))["layers"]:
            with tarfile.open(fileobj=blob(layer["digest"])) as content:
                for member in content:
                    if member.isfile():
                        files[f"/{member.name.lstrip('./')}"] = content.extractfile(member).read()
    return files


def sha256(content: bytes) -> list[dict]:
    """The hash of a content as CycloneDX writes it."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]


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


def library(name: str, version: str, licence: str, **more) -> dict:
    """A library that is no package of cargo; `licence` is an expression of SPDX."""
    reference = {"bom-ref": f"{name}@{version}", "name": name, "version": version}
    return {"type": "library", **reference, "licenses": [{"expression": licence}], **more}


def headers(program: bytes) -> str:
    """What readelf says of a program: its processor, compiler, loader and libraries."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        command = ["readelf", "--file-header", "--string-dump=.comment", "--dynamic", "--program-headers", "--wide", file.name]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def is_static(said: str) -> bool:
    """Whether a program asks for no loader."""
    return "INTERP" not in said


def target(said: str) -> str:
    """The target of cargo that a program was built for."""
    processor = "aarch64" if "AArch64" in said else "x86_64"
    return f"{processor}-unknown-linux-{'musl' if is_static(said) else 'gnu'}"


def runtime(said: str) -> list[dict]:
    """What every program of Rust contains: the standard library, and the C runtime where it is linked in."""
    compiler = re.search(r"rustc version (\S+)", said)
    if compiler is None:
        raise SystemExit("the program: expected the version of its compiler in the section .comment, found none")
    found = [library("rust-std", compiler[1], "MIT OR Apache-2.0")]
    # Linked by zig it brings the unwinder; else it asks for the one of GCC.
    if "[libgcc_s.so.1]" not in said:
        zig = zig_version()
        found.append(library("zig-runtime", zig, "MIT AND Apache-2.0 WITH LLVM-exception", description="compiler-rt and libunwind of zig"))
        if is_static(said):
            if zig not in MUSL_OF_ZIG:
                raise SystemExit(f"{__file__}: version of musl in zig {zig} is not known: read its version.h and add it")
            found.append(library("musl", MUSL_OF_ZIG[zig], "MIT"))
    return found


def zig_version() -> str:
    """The version of zig that the scripts of packaging state. Raises where they differ."""
    stated = {re.search(r"ziglang==(\S+)", (ROOT / path).read_text())[1] for path in ZIG_STATED}
    if len(stated) != 1:
        raise SystemExit(f"{' and '.join(ZIG_STATED)}: expected one version of zig, found {sorted(stated)}")
    return stated.pop()


def file_of_image(path: str, content: bytes) -> dict:
    """The component that a file of an image belongs to: a package of Debian, or ONNX Runtime."""
    if runtime_version := re.search(r"/libonnxruntime\.so\.([\d.]+)$", path):
        return library("onnxruntime", runtime_version[1], "MIT", hashes=sha256(content))
    owner = None
    for candidate in (path, path.removeprefix("/usr"), f"/usr{path}", os.path.realpath(path)):
        found = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            owner = found.stdout.split(": ")[0].split(",")[0]
            break
    if owner is None:
        raise SystemExit(f"{path}: no package of Debian owns it: an image is described on the Debian that it was made on")
    query = ["dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}", owner]
    name, version, architecture = subprocess.run(query, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\t")
    if name not in DEBIAN:
        raise SystemExit(f"{path}: licence of the package {name} is not in {__file__}: read its copyright file and add it")
    purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}".replace("+", "%2B")
    return library(name, version, DEBIAN[name], purl=purl)


def cargo_bill(tool: Path, features: str, triple: str) -> dict:
    """The packages as cargo-cyclonedx lists them, without the folders of this machine."""
    # It writes beside each manifest of the workspace.
    name = "bill-of-materials-in-the-making"
    command = [tool, "cyclonedx", "--quiet", "--format=json", "--spec-version=1.5", f"--override-filename={name}"]
    try:
        subprocess.run([*command, "--features", features, "--target", triple], cwd=ROOT, check=True)
        text = (ROOT / f"{name}.json").read_text()
    finally:
        for manifest in [ROOT / "Cargo.toml", *ROOT.glob("*/Cargo.toml")]:
            manifest.with_name(f"{name}.json").unlink(missing_ok=True)
    for folder in (ROOT.as_uri(), str(ROOT)):
        text = text.replace(f"path+{folder}", "schistoquant").replace(folder, "file://.")
    return json.loads(text)


def completed(bill: dict, artefact: Path, content: Inside, said: str, packages: list[dict]) -> dict:
    """The bill of an artefact. Raises where the artefact is not built from this source."""
    root = bill["metadata"]["component"]
    built = {(package["name"], package["version"]) for package in packages}
    listed = {(component["name"], component["version"]) for component in bill["components"]}
    if missing := built - listed - {(root["name"], root["version"])}:
        raise SystemExit(f"cargo-cyclonedx: expected every package that is built; missing {sorted(missing)}")
    bill["components"] = [c for c in bill["components"] if (c["name"], c["version"]) in built]
    files = models() + fonts(packages) + scripts(root["version"])
    contained = [part for part in files if part.path.read_bytes() in content.program]
    if [part for part in files if part.kind == "model" and part not in contained]:
        raise SystemExit(f"{artefact}: expected the graphs of models/ in its program: build it again from this source")
    # Several libraries of an image come from one package.
    libraries = {one["bom-ref"]: one for one in (file_of_image(path, data) for path, data in content.files.items())}
    added = [file_component(part) for part in contained] + runtime(said) + list(libraries.values())

    root["hashes"] = sha256(artefact.read_bytes())
    root["properties"] = [{"name": "schistoquant:artefact", "value": artefact.name}]
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
    kinds = ", ".join(f"{sum(part.kind == kind for part in contained)} {kind}s" for kind in KINDS)
    print(f"-- {artefact.name}: {len(bill['components'])} components ({kinds}, {len(libraries)} beside the program)")
    return bill


def main() -> None:
    """Reads, completes, writes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("artefacts", type=Path, nargs="+")
    arguments.add_argument("--out", type=Path, required=True, help="folder of the bills")
    arguments.add_argument("--cargo-cyclonedx", type=Path, required=True, help="the tool")
    arguments.add_argument("--features", required=True, help="of the programs and images; those of a wheel stand in its pyproject.toml")
    given = arguments.parse_args()
    wheel = tomllib.loads((ROOT / "packaging/python/pyproject.toml").read_text())["tool"]["maturin"]
    for artefact in given.artefacts:
        content = inside(artefact)
        said = headers(content.program)
        features = ",".join(wheel["features"]) if artefact.suffix == ".whl" else given.features
        bill = cargo_bill(given.cargo_cyclonedx, features, target(said))
        bill = completed(bill, artefact, content, said, shipped(features, target(said)))
        path = given.out / f"{artefact.name}.cdx.json"
        path.write_text(json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
