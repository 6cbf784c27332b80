# Read by the tests beside it: a cohort of synthetic specimens, what a single machine makes of it, and the means to kill
# a shard midway and to see what became of its finished specimens.
#
# SCHISTOQUANT    the program (default: target/release/schistoquant of this repository)
# WORKFLOW_VENV   folder of the Python environment; kept when given, otherwise made anew and removed
# shellcheck shell=bash

workflow=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath "${SCHISTOQUANT:-$workflow/../${CARGO_TARGET_DIR:-target}/release/schistoquant}")
work=$(mktemp -d)
shards=3
specimens=24 # eight a shard: enough to be caught and killed between two of them
fields=12    # of each specimen: a shard takes seconds

say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

prepare() {
  [ -x "$program" ] || fail "no program at $program: build it (cargo build --release) or set SCHISTOQUANT"
  venv=${WORKFLOW_VENV:-$work/venv}
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$workflow/test/requirements.txt"
  # The commands of the environment call each other by name.
  PATH=$venv/bin:$PATH
}

# Specimens, their manifest, and the result of one run without shards in $work/single. One specimen has no image, so that
# the run ends with exit code 1, as a large cohort does.
draw_cohort() {
  mkdir "$work/cohort"
  echo accession,inputs,um_per_px,age_group,labs >"$work/cohort/manifest.csv"
  local number
  for number in $(seq "$specimens"); do
    "$program" synth --out "$work/cohort/$number" --seed "$number" --fields "$fields" --schistocyte-fraction 0.03 >>"$work/log"
    echo "S-$number,$number,0.19,," >>"$work/cohort/manifest.csv"
  done
  echo "S-missing,missing.png,,," >>"$work/cohort/manifest.csv"
  local code=0 start=$SECONDS
  # From the same folder as the workflow: the reason of a failure names the path as it was given.
  (cd "$work" && "$program" batch cohort/manifest.csv --out single --quiet) || code=$?
  [ "$code" = 1 ] || fail "one run over the cohort: expected exit code 1 (one specimen has no image), found $code"
  say "one run without shards: $((specimens + 1)) specimens, exit code $code, $((SECONDS - start)) s"
}

# Snakemake on the cohort in the profile $1 with $shards shards into $work/run, further arguments after it; $options are
# those of `batch`.
run_workflow() {
  (cd "$work" && snakemake --snakefile "$workflow/Snakefile" --profile "$workflow/profiles/$1" "${@:2}" \
    --config manifest=cohort/manifest.csv out=run "shards=$shards" "program=$program" threads=1 mem_mb=600 runtime_min=5 \
    merge_mem_mb=600 merge_runtime_min=5 "options=${options:-[]}")
}

# The same in the background, its words in $work/log.
start_workflow() {
  # A process group of its own, so that it can be stopped as a whole.
  set -m
  run_workflow "$@" >"$work/log" 2>&1 &
  running=$!
  set +m
}

await_workflow() {
  wait "$running" || {
    cat "$work/log"
    fail "the workflow ended with an error"
  }
  running=
}

stop_workflow() {
  [ -n "${running:-}" ] || return
  kill -KILL -- "-$running" 2>/dev/null
  wait "$running" 2>/dev/null
}

# Holds the process of shard $1 where it has a specimen in its journal and is still at work, and sets ${held[$1]} to its id.
hold() {
  local pid
  [ -s "$work/run/shards/$1-of-$shards/journal.jsonl" ] || return
  for pid in $(pgrep -x "$(basename "$program" | cut -c 1-15)"); do
    # A process may end while it is looked at.
    if { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q -- " --out run/shards/$1-of-$shards " &&
      [ "$(readlink "/proc/$pid/cwd")" = "$work" ] && kill -STOP "$pid" 2>/dev/null; then
      held[$1]=$pid
      return
    fi
  done
  return 1
}

# Waits until each of these shards is held midway. Shards that work side by side are caught in any order.
hold_midway() {
  local shard missing deadline=$((SECONDS + 120))
  held=()
  while ((SECONDS < deadline)); do
    missing=
    for shard in "$@"; do
      [ -n "${held[$shard]:-}" ] || hold "$shard" || missing=$shard
    done
    [ -n "$missing" ] || return 0
    sleep 0.05
  done
  fail "shard $missing was not caught at work within 120 s"
}

# Which specimens of shard $1 have a result by its journal, with identity and time of their records.
finished() {
  local folder=$work/run/shards/$1-of-$shards accession
  sed -n '/"failure":null/s/.*"accession":"\([^"]*\)".*/\1/p' "$folder/journal.jsonl" | while read -r accession; do
    stat --format '%n %i %y' "$folder/specimens/${accession}"_*/case.json
  done | sort
}

# Writes what is finished in the held shard $1 to $work/finished-$1 and demands that it is a part of the shard.
remember_finished() {
  finished "$1" >"$work/finished-$1"
  local rows=$(((specimens + 1 - $1) / shards + 1)) number
  number=$(wc -l <"$work/finished-$1")
  [ "$number" -gt 0 ] && [ "$number" -lt "$rows" ] || fail "shard $1 had finished $number of $rows when it was held"
  say "shard $1 is stopped midway: $number of its $rows specimens are finished"
}

# Nothing that shard $1 had finished before it was killed was analyzed again.
expect_kept() {
  finished "$1" >"$work/finished-$1-after"
  local again
  again=$(comm -23 "$work/finished-$1" "$work/finished-$1-after")
  [ -z "$again" ] || fail "shard $1 analyzed finished specimens again: $again"
  say "shard $1: $(wc -l <"$work/finished-$1") records from before are untouched, $(wc -l <"$work/finished-$1-after") in the end"
}

# The merged result is the single machine's, file for file and byte for byte.
expect_same() {
  diff --recursive "$work/single" "$work/run/result" >"$work/differences" ||
    { cut -c 1-500 "$work/differences"; fail "the merged result differs from the single run's"; }
  local files
  files=$(find "$work/single" -type f | wc -l)
  [ "$files" -gt "$((3 * specimens))" ] || fail "only $files files to compare"
  say "merged result and single run: $files files, $(du -sb "$work/single" | cut -f 1) bytes, no difference"
}
