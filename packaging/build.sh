#!/usr/bin/env bash
# Builds a release program whose bytes name neither this folder nor this user: two people who build one commit with one
# compiler get the same file.
#
#   packaging/build.sh [ARGUMENTS OF cargo build]
#   packaging/build.sh --features full
#
# In: this checkout, the compiler that cargo finds. Out: ${CARGO_TARGET_DIR:-target}/release/schistoquant, or
# …/TRIPLE/release with `--target TRIPLE`. RUSTFLAGS that are set already stay in force,
# and CARGO_BUILD_COMMAND names another command than `build` (`zigbuild`, see packaging/cross.sh).
#
# The compiler writes the paths of sources into the texts of panics. They differ with the checkout, the target folder and
# CARGO_HOME, so each gets a fixed name. Of several names that fit a path the compiler takes the last: the folder for
# built files lies in the checkout by default, so it comes behind it. Cargo leaves flags that remap out of the names of
# symbols. A crate that compiles C writes paths as well; the C compiler gets the same names. `cargo build --release` gives
# the same program with the paths of its builder in it.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/.." && pwd -P)
cargo_home=$(readlink -m "${CARGO_HOME:-$HOME/.cargo}")
built=$(readlink -m "${CARGO_TARGET_DIR:-$checkout/target}")
read -r -a flags <<<"${RUSTFLAGS:-}"
flags+=("--remap-path-prefix=$cargo_home=/cargo" "--remap-path-prefix=$checkout=/schistoquant" "--remap-path-prefix=$built=/built")
# The encoded form, because a path may hold blanks.
encoded=$(printf '\x1f%s' "${flags[@]}")
# The same for C: texts of assertions and debugging records.
names="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$checkout=/schistoquant -ffile-prefix-map=$built=/built"
export CFLAGS="${CFLAGS:-} $names" CXXFLAGS="${CXXFLAGS:-} $names"
cd "$checkout"
CARGO_ENCODED_RUSTFLAGS=${encoded:1} exec cargo "${CARGO_BUILD_COMMAND:-build}" --release --locked "$@"
