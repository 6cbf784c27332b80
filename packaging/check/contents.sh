#!/usr/bin/env bash
# Packages and their contents: Debian package, third parties, bills of materials, recipe of bioconda, Snakemake wrapper, the
# script of the release. Prints times and sizes.
#
#   packaging/check/contents.sh PROGRAM OUTDIR [ARTEFACT...]
#   packaging/check/contents.sh target/release/schistoquant /tmp/contents /tmp/wheel/*.whl /tmp/binaries/*-image.tar
#
# In: from the repository's root, a release program of default features; wheels and images of such programs, whose bills are
# made too. Out, in OUTDIR: the package and the bills. Needs root or sudo, Debian's packages, crates.io and an index of Python
# packages. WORKFLOW_VENV: a Python environment with Snakemake (made if missing).
set -euo pipefail
program=$(realpath "${1:?PROGRAM}")
out=$(realpath -m "${2:?OUTDIR}")
mapfile -t artefacts < <(realpath -- "$program" "${@:3}")
cd "$(dirname "$0")/../.."
step() { printf '\n== contents: %s (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

step "tools"
packaging/tools.sh cargo-deb cargo-about cargo-cyclonedx

step "third parties: THIRD-PARTY.md is what its packages say"
packaging/third-party.sh --check
echo "-- THIRD-PARTY.md: $(stat -c %s THIRD-PARTY.md) bytes, $(grep -c '^| \[' THIRD-PARTY.md) packages"
# A dependency more, in a copy: the check must notice. It is one of the tests', so that nothing has to be fetched.
mkdir "$work/copy"
git ls-files -z --cached --others --exclude-standard | grep -zvE '^(fixtures/specimen|docs|fuzz|models/training)/' |
  xargs -0 cp --parents -t "$work/copy"
moved=$(sed -n 's/^lopdf = .*/&/p' Cargo.toml)
[ -n "$moved" ] || fail "Cargo.toml: expected lopdf among the development dependencies"
sed -i "s/^\[dependencies\]/&\n$moved/" "$work/copy/Cargo.toml"
if (cd "$work/copy" && packaging/third-party.sh --check) >"$work/said" 2>&1; then fail "a dependency more: expected the check to fail"; fi
grep -q "missing \[.*('lopdf'" "$work/said" || { cat "$work/said"; fail "expected the check to name lopdf"; }
echo "-- a dependency more is noticed: $(cut -c 1-150 "$work/said" | tail -n 1)"

step "Debian package"
packaging/check/deb.sh "$program" "$out"

step "bills of materials"
packaging/contents.sh "$out" "${artefacts[@]}"
packaging/contents.sh "$work/again" "${artefacts[@]}" >/dev/null
for bill in "$out"/*.cdx.json; do cmp "$bill" "$work/again/$(basename "$bill")"; done
echo "-- made twice: the same bytes"
ls -l "$out"

step "recipe of bioconda"
packaging/check/bioconda.sh

step "Snakemake wrapper"
packaging/check/snakemake_wrapper.sh "$program"

step "script of the release"
packaging/check/release.sh

step "contents: all passed"
