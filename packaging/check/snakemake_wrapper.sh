#!/usr/bin/env bash
# The Snakemake wrapper on a drawn specimen, in the layout of the collection of wrappers and by the Snakefile that goes with it.
#
#   packaging/check/snakemake_wrapper.sh PROGRAM
#
# In: a program that is built already; WORKFLOW_VENV, a Python environment with Snakemake (made if missing). Out: nothing but
# what is said. What stays untested: the conda environment, because no channel is asked; the program is found in PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:?PROGRAM}")
source=$PWD
say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${WORKFLOW_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement workflow/test/requirements.txt
mkdir -p "$work/bin" "$work/wrappers/master/bio/schistoquant" "$work/run"
ln -s "$program" "$work/bin/schistoquant"
cp -r packaging/snakemake/wrapper "$work/wrappers/master/bio/schistoquant/analyze"
# The engine inside, whatever is installed here.
export PATH=$work/bin:$venv/bin:$PATH ORT_DYLIB_PATH=

"$venv/bin/python" - packaging/snakemake/wrapper "$("$program" --version)" <<'PY'
import sys
from pathlib import Path
import yaml
folder, version = Path(sys.argv[1]), sys.argv[2].split()[-1]
meta = yaml.safe_load((folder / "meta.yaml").read_text())
expected = {"name", "description", "authors", "input", "output", "params", "notes"}
assert set(meta) == expected, set(meta) ^ expected
environment = yaml.safe_load((folder / "environment.yaml").read_text())
assert environment["channels"] == ["conda-forge", "bioconda", "nodefaults"], environment
assert environment["dependencies"] == [f"schistoquant ={version}"], environment
named = {name for entry in meta["output"] for name in entry}
wrapper = (folder / "wrapper.py").read_text()
assert named == {"json", "csv", "specimen", "html", "pdf", "hl7", "fhir"} and all(f'"{name}": (' in wrapper for name in named), named
PY
snakefmt --check --line-length 120 packaging/snakemake/wrapper/test/Snakefile

cp packaging/snakemake/wrapper/test/Snakefile "$work/run/"
cp -a fixtures/specimen "$work/run/"
cd "$work/run"
run() { snakemake --cores 2 --wrapper-prefix "file://$work/wrappers/" --show-failed-logs "$@" >"$work/log" 2>&1; }
run out/specimen.case.json || { cat "$work/log"; fail "the Snakefile of the wrapper"; }
"$program" analyze specimen --out "$work/report" --accession S-1 --quiet >/dev/null
cmp out/specimen.case.json "$work/report/case.json"
cmp out/specimen.cells.csv "$work/report/cells.csv"
cmp out/specimen.html "$work/report/report.html"
cmp out/specimen.specimen.csv "$work"/report/*.specimen.csv
grep -q 'Schistocytes 3.06 %' logs/specimen.log
say "four reports through Snakemake, the same bytes as from the program"

# Not assessable is a result unless the rule says otherwise.
mkdir blurred broken
cp "$source/fixtures/fields/quality/blurred.png" blurred/
run out/blurred.case.json || { cat "$work/log"; fail "a specimen that is not assessable: expected its report"; }
sed 's/accept=\[4\]/accept=[]/' Snakefile >Strict
if run --snakefile Strict --forcerun schistoquant_analyze -- out/blurred.case.json; then fail "accept=[]: expected exit code 4 to fail the job"; fi
echo "no picture" >broken/field.png
if run out/broken.case.json; then fail "a specimen without a readable picture: expected a failed job"; fi
[ ! -e out/broken.case.json ] || fail "a failed job left a report"
sed 's/json=/jason=/' Snakefile >Misnamed
if run --snakefile Misnamed --forcerun schistoquant_analyze -- out/blurred.case.json; then fail "an unknown name of an output: expected a refusal"; fi
grep -q "found \['jason'\]" "$work/log" || { cat "$work/log"; fail "an unknown name of an output: expected it in the message"; }
say "exit code 4 is a result, or a failure where the rule says so; unreadable pictures and unknown names fail"
