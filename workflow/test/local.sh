#!/usr/bin/env bash
# The workflow on this machine: three shards, one of them killed midway, against a single run. No input.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/cohort.sh"
trap 'set +e; stop_workflow; rm -rf "$work"' EXIT

prepare
snakefmt --check --line-length 120 "$workflow/Snakefile"
draw_cohort

start_workflow local
hold_midway 2
remember_finished 2
kill -KILL "${held[2]}"
await_workflow
expect_kept 2
for shard in 1 2 3; do
  codes=$(sed -n 's/.*ended with exit code //p' "$work/run/logs/shard-$shard-of-$shards.log" | xargs)
  say "shard $shard: exit codes of its attempts: $codes"
  case $shard in
    1) [ "$codes" = 1 ] || fail "a shard with a failed specimen is finished and must not run again" ;;
    2) [ "$codes" = "137 0" ] || fail "expected one lost attempt and one that ended well" ;;
    3) [ "$codes" = 0 ] || fail "expected one attempt" ;;
  esac
done
expect_same

run_workflow local >"$work/log" 2>&1 || { cat "$work/log"; fail "the second run ended with an error"; }
grep -q 'Nothing to be done' "$work/log" || { cat "$work/log"; fail "the second run did something"; }
say "a second run finds nothing to be done"

if options='["--um-per-px", "0.5"]' run_workflow local >"$work/log" 2>&1; then
  cat "$work/log"
  fail "other options were accepted in the same folder"
fi
grep -q 'shard 1/3 ended with exit code 2' "$work/run/logs/shard-1-of-3.log" || fail "expected exit code 2 for other options"
say "other options in the same folder are refused"
