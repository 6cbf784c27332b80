#!/usr/bin/env bash
# Writes what is inside of the artefacts of a release: bills of materials (CycloneDX 1.5, JSON), third parties, the notices of
# Rust's standard library.
#
#   packaging/contents.sh OUTDIR ARTEFACT...
#   FEATURES=full packaging/contents.sh release release/*-linux release/*-linux-static release/*.whl release/*-image.tar
#
# In: artefacts that are built from this source: programs, wheels (.whl), images as OCI archives (.tar). Out, in OUTDIR:
# <artefact>.cdx.json of each, THIRD-PARTY.md, COPYRIGHT-library.html.
#
# FEATURES             of the programs and images (default none); those of a wheel stand in its pyproject.toml
# SOURCE_DATE_EPOCH    time of the bills (default: the time of the last commit)
#
# Needs readelf, crates.io and an index of Python packages the first time. Nothing is signed: docs/release.md.
set -euo pipefail
out=$(realpath -m "${1:?OUTDIR}")
shift
[ $# -gt 0 ] || { echo "packaging/contents.sh: expected an artefact, found none" >&2; exit 2; }
mapfile -t artefacts < <(realpath -- "$@")
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$(packaging/tools.sh cargo-cyclonedx)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement packaging/contents/requirements.txt
python=$work/venv/bin/python
"$python" packaging/contents/bill.py --out "$out" --cargo-cyclonedx "$tools/cargo-cyclonedx" --features "${FEATURES-}" "${artefacts[@]}"
bills=()
for artefact in "${artefacts[@]}"; do bills+=("$out/$(basename "$artefact").cdx.json"); done
"$python" packaging/contents/validate.py "${bills[@]}"
cp THIRD-PARTY.md "$out/"
cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$out/"
