#!/usr/bin/env bash
# Builds a release program by packaging/reproducible.sh.
#
#   packaging/build.sh [ARGUMENTS OF cargo build]
#   packaging/build.sh --features full
#
# In: this checkout, the compiler that cargo finds. Out: ${CARGO_TARGET_DIR:-target}/release/schistoquant, or
# …/TRIPLE/release with `--target TRIPLE`. CARGO_BUILD_COMMAND names another command than `build` (`zigbuild`, see
# packaging/cross.sh).
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd -P)
cd "$packaging/.."
exec "$packaging/reproducible.sh" cargo "${CARGO_BUILD_COMMAND:-build}" --release --locked "$@"
