#!/usr/bin/env bash
# Builds the Python wheel, installs it where there is no Rust, and proves program, module and notebook.
#
#   packaging/check/wheel.sh OUTDIR
#   WHEEL=dist/schistoquant-….whl packaging/check/wheel.sh OUTDIR
#
# In: the repository's root as working folder; a wheel that is built already, if WHEEL names one; the Python to install
# into, if PYTHON names one (python3). Out, in OUTDIR: the wheel, the report of the main job (`report`), the executed
# notebook with its figures (`notebook`), and `wheel.txt` with seconds and sizes. Fails where a figure differs from the
# record of fixtures/specimen, or where a report takes longer than 60 s from nothing.
set -euo pipefail

out=$(mkdir -p "${1:?OUTDIR}" && cd "$1" && pwd)
root=$PWD
package=$root/packaging/python
# The interpreter itself: a launcher in front of it may need the environment that is taken away below.
python=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
longest_seconds=60
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '%s\n' "$*" | tee -a "$out/wheel.txt"; }
: >"$out/wheel.txt"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if ! "$python" -c 'import ensurepip, venv'; then
  as_root apt-get update -qq
  as_root apt-get install -y -qq python3-venv
fi

wheel=${WHEEL:-}
if [ -z "$wheel" ]; then
  started=$SECONDS
  wheel=$(PYTHON=$python packaging/wheel.sh "$out")
  say "built in $((SECONDS - started)) s"
fi
test -f "$wheel"
if [ ! "$wheel" -ef "$out/$(basename "$wheel")" ]; then cp "$wheel" "$out/"; fi
wheel=$out/$(basename "$wheel")

# What the wheel holds and says of itself.
"$python" - "$wheel" "$root" <<'PY' | tee -a "$out/wheel.txt"
import email, pathlib, re, struct, sys, zipfile
wheel, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
archive = zipfile.ZipFile(wheel)
names = archive.namelist()
version = re.search(r'^version = "(.*)"', (root / "Cargo.toml").read_text(encoding="utf-8"), re.M)[1]
info = f"schistoquant-{version}.dist-info"
said = email.message_from_bytes(archive.read(f"{info}/METADATA"))
assert said["Version"] == version, said["Version"]
assert "For research use only. Not for use in diagnostic procedures." in said["Summary"], said["Summary"]
assert said["License-Expression"] == "MIT", said["License-Expression"]
assert any(one.startswith("onnxruntime") and "extra" not in one for one in said.get_all("Requires-Dist"))
licence = [name for name in names if name.startswith(info) and name.endswith("LICENSE")]
assert len(licence) == 1 and archive.read(licence[0]) == (root / "LICENSE").read_bytes(), licence
assert "schistoquant/py.typed" in names
program = archive.getinfo(f"schistoquant-{version}.data/scripts/schistoquant")
# `strip` of the release profile: no section with debugging information. ELF, 64 bit: sections stand in a table of 64-byte
# headers, each with its name's place among the names.
elf = archive.read(program)
table, = struct.unpack_from("<Q", elf, 0x28)
size, number, names_at = struct.unpack_from("<HHH", elf, 0x3A)
place = lambda section: struct.unpack_from("<IIQQQQ", elf, table + size * section)
start = place(names_at)[4]
names_of = [start + place(one)[0] for one in range(number)]
sections = [elf[at : elf.index(b"\0", at)].decode() for at in names_of]
assert ".text" in sections and not [one for one in sections if one.startswith(".debug")], sections
tags = archive.read(f"{info}/WHEEL").decode()
assert re.search(r"^Tag: py3-none-manylinux_2_17_", tags, re.M), tags
print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.1f} MiB; the program in it {program.file_size / 2**20:.1f} MiB")
PY

# From nothing to a report, as on a workstation: no Rust, no settings, nothing in pip's cache but what a registry gave before.
keep=(HOME="$work/home" PATH="/usr/local/bin:/usr/bin:/bin")
for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT PIP_DEFAULT_TIMEOUT PIP_CONFIG_FILE SSL_CERT_FILE \
  HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy; do
  if [ -n "${!name:-}" ]; then keep+=("$name=${!name}"); fi
done
mkdir "$work/home"
clean() { env -i "${keep[@]}" "$@"; }
if clean sh -c 'command -v cargo rustc'; then
  echo "expected no Rust in the minimal PATH, found one" >&2
  exit 1
fi
rm -rf "$out/report"
started=$(date +%s%N)
clean "$python" -m venv "$work/plain"
clean "$work/plain/bin/pip" install --quiet --disable-pip-version-check "$wheel"
installed=$(date +%s%N)
clean "$work/plain/bin/schistoquant" analyze fixtures/specimen --out "$out/report" | tee "$work/summary"
ended=$(date +%s%N)
grep -q '^engine: onnxruntime' "$work/summary"
grep -q '^Schistocytes 3.06 % .*39 of 1,273 RBC' "$work/summary"
test -s "$out/report/report.html"
tenths() { printf '%d.%d' $((($2 - $1) / 1000000000)) $((($2 - $1) / 100000000 % 10)); }
say "from nothing to a report: $(tenths "$started" "$ended") s: \
environment and install $(tenths "$started" "$installed") s, report $(tenths "$installed" "$ended") s"
say "the plain environment: $(du -sm "$work/plain" | cut -f 1) MiB"
if [ $((ended - started)) -gt $((longest_seconds * 1000000000)) ]; then
  echo "expected a report within $longest_seconds s, found $(tenths "$started" "$ended") s" >&2
  exit 1
fi
# The full program: its sheets for paper.
clean "$work/plain/bin/schistoquant" analyze fixtures/specimen --out "$work/sheet" --format json,pdf --quiet >/dev/null
head -c 5 "$work"/sheet/*.pdf | grep -q '%PDF-'

# The engine changes no class: the same cells as from the embedded one.
clean "$work/plain/bin/schistoquant" analyze fixtures/specimen --out "$work/embedded" --engine embedded --format csv --quiet >/dev/null
"$python" - "$out/report/cells.csv" "$work/embedded/cells.csv" <<'PY'
import csv, sys
columns = ("field", "cell_id", "class", "status")
tables = [csv.DictReader(open(path, encoding="utf-8")) for path in sys.argv[1:]]
one, two = ([[row[name] for name in columns] for row in table] for table in tables)
assert one == two and len(one) == 1801, len(one)
PY

# The module: types, tests, notebook, against the installed wheel and not the sources beside it.
"$python" -m venv "$work/check"
"$work/check/bin/pip" install --quiet --disable-pip-version-check --requirement "$package/requirements-check.txt" "${wheel}[research]"
cp -r "$package/tests" "$package/notebooks" "$package/pyproject.toml" "$work/"
mkdir -p "$work/repository/packaging/python" "$out/notebook"
ln -s "$root/fixtures" "$root/models" "$work/repository/"
mv "$work/tests" "$work/notebooks" "$work/pyproject.toml" "$work/repository/packaging/python/"
cd "$work/repository/packaging/python"
check() { clean NOTEBOOK_OUT="$out/notebook" PYTHONDONTWRITEBYTECODE=1 "$work/check/bin/python" -m "$@"; }
check mypy --strict --cache-dir "$work/mypy" --package schistoquant
check mypy --strict --cache-dir "$work/mypy" tests
check pytest -p no:cacheprovider --quiet tests
# Examples in the docstrings, from the repository's root as they are written.
cd "$work/repository"
clean PYTHONDONTWRITEBYTECODE=1 "$work/check/bin/python" - <<'PY'
import doctest, importlib, pkgutil, schistoquant
names = ["schistoquant", *(f"schistoquant.{one.name}" for one in pkgutil.iter_modules(schistoquant.__path__))]
results = [doctest.testmod(importlib.import_module(name)) for name in names]
tried, failed = sum(one.attempted for one in results), sum(one.failed for one in results)
assert failed == 0 and tried >= 20, (tried, failed)
print(f"{tried} lines of examples in docstrings")
PY
echo "wheel: all checks passed"
