#!/usr/bin/env bash
# Builds the Python wheel with the full program, by maturin with zig as linker.
#
#   packaging/wheel.sh OUT                                for this machine, glibc 2.17 or later
#   packaging/wheel.sh OUT aarch64-unknown-linux-gnu      for another, glibc 2.28 or later
#
# In: this checkout; Python with venv, an index of Python packages; for another machine TOOLCHAIN, the folder of
# packaging/toolchain.sh (default ~/.cache/schistoquant-toolchain), which is filled where it is not yet. Out: OUT/*.whl, whose
# path is the one line on stdout. maturin refuses the tag if the program asks for a newer C library. 2.17 is the oldest that
# Rust's std runs on.
set -euo pipefail

out=$(readlink -m "${1:?OUT}")
triple=${2:-}
packaging=$(cd "$(dirname "$0")" && pwd -P)
# The interpreter itself: a launcher in front of it may need an environment that builds do not have.
python=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$packaging/python/requirements-build.txt" >&2
export PATH=$work/venv/bin:$PATH
arguments=(--compatibility manylinux2014)
if [ -n "$triple" ]; then
  toolchain=$(readlink -m "${TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/schistoquant-toolchain}")
  "$packaging/toolchain.sh" "$toolchain" >&2
  export RUSTC=$toolchain/bin/rustc PATH=$toolchain/bin:$PATH
  arguments=(--compatibility manylinux_2_28 --target "$triple")
fi
(cd "$packaging/python" && "$packaging/reproducible.sh" maturin build --zig "${arguments[@]}" --out "$work/dist" >&2)
mkdir -p "$out"
wheel=$(find "$work/dist" -name '*.whl')
cp "$wheel" "$out/"
echo "$out/$(basename "$wheel")"
