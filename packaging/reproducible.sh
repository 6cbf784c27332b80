#!/usr/bin/env bash
# Runs a command that builds with cargo so that the bytes it makes name neither this folder nor this user: two people who
# build one commit with one compiler get the same file.
#
#   packaging/reproducible.sh COMMAND [ARGUMENTS]
#   packaging/reproducible.sh cargo build --release --locked
#
# In: this checkout; RUSTFLAGS, CFLAGS and CXXFLAGS that are set already stay in force. Out: what the command makes.
#
# The compiler writes the paths of sources into the texts of panics. They differ with the checkout, the target folder and
# CARGO_HOME, so each gets a fixed name. Of several names that fit a path the compiler takes the last: the folder for
# built files lies in the checkout by default, so it comes behind it. Cargo leaves flags that remap out of the names of
# symbols. A crate that compiles C writes paths as well; the C compiler gets the same names. C may write the time of its
# compilation, too (mimalloc does): it becomes an empty text. SOURCE_DATE_EPOCH would not do, because zig keeps what it compiled
# before and looks at the arguments alone. `cargo build --release` gives the same program with the paths of its builder in it.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/.." && pwd -P)
cargo_home=$(readlink -m "${CARGO_HOME:-$HOME/.cargo}")
built=$(readlink -m "${CARGO_TARGET_DIR:-$checkout/target}")
read -r -a flags <<<"${RUSTFLAGS:-}"
flags+=("--remap-path-prefix=$cargo_home=/cargo" "--remap-path-prefix=$checkout=/schistoquant" "--remap-path-prefix=$built=/built")
# The encoded form, because a path may hold blanks.
encoded=$(printf '\x1f%s' "${flags[@]}")
# The same for C: texts of assertions and debugging records, and no time.
names="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$checkout=/schistoquant -ffile-prefix-map=$built=/built"
names+=' -Wno-builtin-macro-redefined -D__DATE__="" -D__TIME__=""'
export CFLAGS="${CFLAGS:-} $names" CXXFLAGS="${CXXFLAGS:-} $names" CARGO_ENCODED_RUSTFLAGS=${encoded:1}
exec "$@"
