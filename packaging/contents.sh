#!/usr/bin/env bash
# Writes what is inside of the artefacts of a release: bills of materials (CycloneDX 1.5, JSON), third parties, the notices of
# Rust's standard library.
#
#   packaging/contents.sh OUTDIR [PROGRAM]
#
# In: PROGRAM, built from this source (default target/release/schistoquant); OUTDIR, where images (*image*.tar) and wheels
# (*.whl) lie if there are any. Out, in OUTDIR:
#   schistoquant-<version>.cdx.json          of the program
#   schistoquant-<version>-image.cdx.json    of the image of the program: the same with the C libraries that it holds
#   <wheel>.cdx.json                         of each wheel
#   THIRD-PARTY.md, COPYRIGHT-library.html
#
# FEATURES             of PROGRAM (default full)
# WHEEL_MANIFEST, WHEEL_FEATURES   of the wheel's library (default packaging/python/Cargo.toml where it is, else the program's)
# SOURCE_DATE_EPOCH    time of the bills (default: the time of the last commit)
#
# Needs crates.io and an index of Python packages the first time. Nothing is signed: docs/release.md.
set -euo pipefail
out=$(realpath -m "${1:?OUTDIR}")
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/.." && pwd)/target}
program=$(realpath "${2:-$target/release/schistoquant}")
cd "$(dirname "$0")/.."
features=${FEATURES-full}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
[ -x "$program" ] || { echo "packaging/contents.sh: $program: expected a program, found none: build it" >&2; exit 1; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$(packaging/tools.sh cargo-cyclonedx)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement packaging/contents/requirements.txt
python=$work/venv/bin/python
version=$("$program" --version)
version=${version##* }

# cargo-cyclonedx writes beside the manifest, and one bill for each package of the workspace.
cargo_bill() { # MANIFEST FEATURES DESTINATION
  local name=bill-of-materials-in-the-making
  "$tools/cargo-cyclonedx" cyclonedx --quiet --manifest-path "$1" --format json --spec-version 1.5 --features "$2" \
    --target x86_64-unknown-linux-gnu --override-filename "$name"
  mv "$(dirname "$1")/$name.json" "$3"
  find . -path ./target -prune -o -name "$name.json" -exec rm {} +
}

cargo_bill Cargo.toml "$features" "$work/cargo.json"
bills=("$out/schistoquant-$version.cdx.json")
"$python" packaging/contents/bill.py "$work/cargo.json" "${bills[0]}" --artefact "$program" --program "$program" --features "$features"

mapfile -t libraries < <(ldd "$program" 2>/dev/null | grep -o '/[^ )]*')
image=$(find "$out" -maxdepth 1 -name '*image*.tar' ! -name '*aarch64*' ! -name '*worker*' | sort | head -n 1)
bill=$out/schistoquant-$version-image.cdx.json
"$python" packaging/contents/bill.py "$work/cargo.json" "$bill" --artefact "${image:-$program}" --program "$program" \
  --features "$features" --system-library "${libraries[@]}"
bills+=("$bill")

# A library of its own, or the program as it is.
if [ -f packaging/python/Cargo.toml ]; then manifest=packaging/python/Cargo.toml wheel_features=; else manifest=Cargo.toml wheel_features=$features; fi
manifest=${WHEEL_MANIFEST:-$manifest} wheel_features=${WHEEL_FEATURES-$wheel_features}
while IFS= read -r wheel; do
  [ -f "$work/wheel.json" ] || cargo_bill "$manifest" "$wheel_features" "$work/wheel.json"
  rm -rf "$work/wheel"
  "$python" -m zipfile --extract "$wheel" "$work/wheel"
  inside=$(find "$work/wheel" -name '*.so' -o -path '*/scripts/schistoquant' | head -n 1)
  [ -n "$inside" ] || { echo "packaging/contents.sh: $wheel: expected a library or the program in it, found neither" >&2; exit 1; }
  bill=$out/$(basename "$wheel").cdx.json
  "$python" packaging/contents/bill.py "$work/wheel.json" "$bill" --artefact "$wheel" --program "$inside" \
    --features "$wheel_features" --manifest "$manifest"
  bills+=("$bill")
done < <(find "$out" -maxdepth 1 -name '*.whl' | sort)

"$python" packaging/contents/validate.py "${bills[@]}"
cp THIRD-PARTY.md "$out/"
cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$out/"
