#!/usr/bin/env bash
# Builds a release program for another target with the toolchain of packaging/toolchain.sh.
#
#   packaging/cross.sh TRIPLE OUT [ARGUMENTS OF cargo build]
#   packaging/cross.sh aarch64-unknown-linux-gnu out
#   packaging/cross.sh x86_64-unknown-linux-musl out --features full
#
# In: this checkout; TOOLCHAIN names the toolchain's folder (default ~/.cache/schistoquant-toolchain), which is filled where
# it is not yet. Out: OUT/schistoquant. Compiled files stay in ${CARGO_TARGET_DIR:-target}/TRIPLE.
#
# A program for glibc asks for version 2.28 or later (2018: Debian 10, RHEL 8). One for musl is static: it needs no file of
# the system but the kernel, and cannot load a library, so it has the embedded engine only.
set -euo pipefail

triple=${1:?TRIPLE}
out=$(readlink -m "${2:?OUT}")
packaging=$(cd "$(dirname "$0")" && pwd -P)
toolchain=$(readlink -m "${TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/schistoquant-toolchain}")
"$packaging/toolchain.sh" "$toolchain"

case $triple in
  *-gnu) target=$triple.2.28 ;;
  # The objects that start a program come with zig, not with the compiler.
  *-musl) target=$triple RUSTFLAGS="${RUSTFLAGS:-} -C link-self-contained=no" ;;
  *)
    echo "$triple: expected a target of Linux with gnu or musl, found another" >&2
    exit 2
    ;;
esac
# The linker's C library is compiled into the builder's cache by zig.
export CARGO_ZIGBUILD_ZIG_PATH=$toolchain/bin/zig
export RUSTC=$toolchain/bin/rustc PATH=$toolchain/bin:$PATH RUSTFLAGS=${RUSTFLAGS:-} CARGO_BUILD_COMMAND=zigbuild
"$packaging/build.sh" --target "$target" "${@:3}"
install -D -m 755 "$(cd "$packaging/.." && readlink -m "${CARGO_TARGET_DIR:-target}")/$triple/release/schistoquant" "$out/schistoquant"
