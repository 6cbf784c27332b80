#!/usr/bin/env bash
# Builds the static program for x86-64: one file that runs on every Linux, in an empty container too.
#
#   packaging/static.sh OUT [ARGUMENTS OF cargo build]
#
# In and out: those of packaging/cross.sh. Fails where the program that it made asks for a library or a loader.
set -euo pipefail

out=${1:?OUT}
"$(dirname "$0")/cross.sh" x86_64-unknown-linux-musl "$out" "${@:2}"
if readelf --program-headers --dynamic "$out/schistoquant" | grep -E 'INTERP|NEEDED'; then
  echo "$out/schistoquant: expected a static program, found one that asks for the above" >&2
  exit 1
fi
