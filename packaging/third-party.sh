#!/usr/bin/env bash
# Writes THIRD-PARTY.md, or checks that it is what would be written.
#
#   packaging/third-party.sh            rewrites it: after every change of Cargo.lock, of the features or of a model
#   packaging/third-party.sh --check    fails where it differs
#
# In: Cargo.lock, the packages' files, models/. Needs crates.io where cargo has not unpacked them yet, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The most frequent fault in a second, before the texts are read.
if [ "${1:-}" = --check ]; then python3 packaging/contents/third_party.py --listed THIRD-PARTY.md; fi
tools=$(packaging/tools.sh cargo-about)

cargo fetch --locked --quiet
# Offline: texts come from the packages themselves, or from SPDX where a package holds none. Nothing is asked of other
# services, so the page is the same everywhere.
"$tools/cargo-about" generate --format json --offline --locked --features full --config packaging/contents/about.toml \
  --fail --output-file "$work/about.json"
python3 packaging/contents/third_party.py "$work/about.json" >"$work/THIRD-PARTY.md"
if [ "${1:-}" != --check ]; then
  mv "$work/THIRD-PARTY.md" THIRD-PARTY.md
elif ! diff --brief THIRD-PARTY.md "$work/THIRD-PARTY.md" >/dev/null; then
  diff THIRD-PARTY.md "$work/THIRD-PARTY.md" | head -n 20 || true
  echo "THIRD-PARTY.md: expected what packaging/third-party.sh writes, found another text (above): run it and read the change" >&2
  exit 1
fi
