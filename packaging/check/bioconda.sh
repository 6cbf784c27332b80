#!/usr/bin/env bash
# The recipe of bioconda as far as it can be tried without conda's channels: rendered and linted, its build.sh run from the
# source archive of the last commit into an empty prefix, its test commands run on what lies there.
#
#   packaging/check/bioconda.sh
#   FEATURES=full packaging/check/bioconda.sh    as conda-build does it; compiles the typesetter
#
# FEATURES            of the program that is built (default none, so that what `cargo build --release` left is used again)
# CARGO_TARGET_DIR    where that lies (default target)
# CHECKS              `sampled` stops after rendering and linting, four minutes less
#
# Out: nothing but what is said. Untested: conda-build itself, the compilers of conda-forge, macOS, other processors.
set -euo pipefail
cd "$(dirname "$0")/../.."
export FEATURES=${FEATURES-} ORT_DYLIB_PATH=
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jinja2==3.1.6 pyyaml==6.0.4
"$work/venv/bin/python" packaging/check/bioconda.py packaging/bioconda . "$work"

if [ "${CHECKS:-whole}" = sampled ]; then
  echo "-- sampled: its build.sh and test commands run for a release (CHECKS=whole)"
  exit
fi

start=$SECONDS
export PREFIX=$work/prefix
bash packaging/bioconda/build.sh >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
echo "-- build.sh with features '$FEATURES': $((SECONDS - start)) s, $(find "$PREFIX" -type f | wc -l) files, $(stat -c %s "$PREFIX/bin/schistoquant") bytes of program"
find "$PREFIX" -name '.crates*' | grep . && { echo "FAILED: cargo's records lie in the package" >&2; exit 1; }

start=$SECONDS
mkdir "$work/test"
case $FEATURES in
  *full* | *pdf*) ;;
  *) sed -i 's/json,csv,pdf/json,csv/' "$work/tests.sh" ;;
esac
(cd "$work/test" && env -i PATH="$PREFIX/bin:/usr/bin:/bin" PREFIX="$PREFIX" HOME="$work/test" bash "$work/tests.sh" >"$work/log" 2>&1) || { cat "$work/log"; exit 1; }
echo "-- the recipe's test commands: $((SECONDS - start)) s"
