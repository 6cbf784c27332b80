#!/usr/bin/env bash
# Runs the fuzz targets one after another. Usage: fuzz/run.sh SECONDS [TARGET...]
#
# SECONDS is the time of each target; without names every target runs. FUZZ_LOGS is the folder of the logs (default
# fuzz/logs, not under version control), FUZZ_SANITIZER the sanitizer (default address; none builds faster). Needs a nightly
# toolchain and cargo-fuzz. A finding ends its target, is left in fuzz/artifacts, and makes the exit code 1; the others run on.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
logs=${FUZZ_LOGS:-logs}
sanitizer=${FUZZ_SANITIZER:-address}
mkdir -p "$logs"

# Folders of seeds, read and never written; a target without a line here begins with nothing.
seeds() {
  case $1 in
  image) echo ../fixtures/formats ../fixtures/bad/input_unreadable ../fixtures/bad/input_unsuitable ../fixtures/bad/not_in_this_build ;;
  model_card) echo ../fixtures/models ../models ;;
  panel_*) echo ../fixtures/labs ../fixtures/bad/labs ;;
  order) echo ../fixtures/messages seeds/order ;;
  settings) echo ../docs ;;
  case_record) echo seeds/case_record ;;
  archive | manifest | journal) echo "seeds/$1" ;;
  esac
}

# Longest input, bytes: that of the seeds, so that time goes into structure.
longest() {
  case $1 in
  image) echo 8192 ;;
  panel_fhir) echo 32768 ;;
  case_record | archive) echo 65536 ;;
  *) echo 16384 ;;
  esac
}

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
failed=0
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target"
  # shellcheck disable=SC2046 # folders without spaces
  if cargo +nightly fuzz run --sanitizer "$sanitizer" "$target" "corpus/$target" $(seeds "$target") -- \
    -max_total_time="$seconds" -max_len="$(longest "$target")" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    >"$logs/$target.log" 2>&1; then
    outcome="nothing found"
  else
    outcome="FOUND SOMETHING, see $logs/$target.log"
    failed=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$target.log")
  echo "$target: ${runs:-?} executions in $seconds s: $outcome"
done
exit "$failed"
