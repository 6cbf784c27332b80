#!/usr/bin/env bash
# Lays out what builds programs for other targets than this machine's: a Rust compiler with the standard libraries of
# aarch64-unknown-linux-gnu and x86_64-unknown-linux-musl, and a C compiler and linker for both.
#
#   packaging/toolchain.sh FOLDER
#   DEBIAN_MIRROR=URL packaging/toolchain.sh FOLDER
#
# In: Debian's packages from this machine's mirror (or DEBIAN_MIRROR), PyPI, an installed cargo. Needs apt-get, dpkg-deb,
# cc and Python with venv; no root. Out, in FOLDER:
#   bin          rustc, which runs with the C library of its own suite; zig and cargo-zigbuild
#   arm64        the C library of Debian 12 for aarch64, for an emulator
#   versions     what was laid; a FOLDER that holds it is complete and is left as it is
# 1.6 GB. FOLDER cannot be moved afterwards: bin/rustc names it.
#
# METHOD: where rustup reaches its server, `rustup target add` does the same. Debian holds the library of aarch64 built.
# It holds none for musl, so that one is compiled here from Debian's sources of the same version (`-Z build-std`, which
# asks for RUSTC_BOOTSTRAP; it is set for the library alone, because crates probe for it and then compile differently).
# Debian unstable moves: the compiler is the one of the day, and `versions` says which.
set -euo pipefail

folder=$(readlink -m "${1:?FOLDER}")
if [ -s "$folder/versions" ]; then
  cat "$folder/versions"
  exit
fi
# shellcheck disable=SC2016  # apt's own placeholder
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1)}
if [ -z "$mirror" ]; then
  echo "apt: expected a mirror of Debian, found none; set DEBIAN_MIRROR" >&2
  exit 1
fi
keys=/usr/share/keyrings/debian-archive-keyring.gpg
root=$folder/root
rm -rf "$root" "$folder/debian"
mkdir -p "$root" "$folder"/{bin,arm64} "$folder"/debian/{lists,archives}/partial

# An apt of its own, which knows of no installed package and so fetches every library that the compiler loads.
cd "$folder/debian"
printf 'deb [arch=amd64,arm64 signed-by=%s] %s %s main\n' "$keys" "$mirror" sid "$keys" "$mirror" bookworm >sources.list
: >status
mkdir parts
cat >apt.conf <<CONFIGURATION
Dir::State "$PWD";
Dir::State::status "$PWD/status";
Dir::Cache "$PWD";
Dir::Etc::sourcelist "$PWD/sources.list";
Dir::Etc::sourceparts "$PWD/parts";
Dir::Etc::preferencesparts "$PWD/parts";
APT::Architecture "amd64";
APT::Architectures {"amd64"; "arm64";};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
CONFIGURATION
export APT_CONFIG=$PWD/apt.conf
apt-get update -qq
apt-get install -qq --download-only libstd-rust-dev >/dev/null
# Their dependencies are a C compiler and its headers, which this machine has.
(cd archives && apt-get download -qq rustc rust-src libstd-rust-dev:arm64)
mkdir arm64
(cd arm64 && apt-get download -qq libc6:arm64/bookworm libgcc-s1:arm64/bookworm)
unset APT_CONFIG
for package in archives/*.deb; do dpkg-deb --extract "$package" "$root"; done
for package in arm64/*.deb; do dpkg-deb --extract "$package" "$folder/arm64"; done
cd "$folder"

# Nothing is set in the environment, so what the compiler starts runs with the libraries of this machine.
library=$root/usr/lib/x86_64-linux-gnu
printf '#!/bin/sh\nexec %q --library-path %q %q --sysroot %q "$@"\n' \
  "$library/ld-linux-x86-64.so.2" "$library" "$root/usr/bin/rustc" "$root/usr" >bin/rustc
chmod 755 bin/rustc
version=$(bin/rustc --version)

# cargo-zigbuild calls zig as linker and C compiler with the arguments that each understands.
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --target zig ziglang==0.17.1 cargo-zigbuild==0.24.1
# Out of the environment, because another user may not be able to read the Python that it links to.
ln -sf ../zig/ziglang/zig bin/zig
ln -sf ../zig/bin/cargo-zigbuild bin/cargo-zigbuild

# The standard library for musl: the dependencies of an empty package.
musl=x86_64-unknown-linux-musl
mkdir -p std/src
: >std/src/lib.rs
cat >std/Cargo.toml <<'MANIFEST'
[package]
name = "empty"
version = "0.0.0"
edition = "2024"
[profile.release]
codegen-units = 1
[workspace]
MANIFEST
(
  cd std
  sources=$(readlink -f "$root/usr/lib/rustlib/src/rust")
  export RUSTC=$folder/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$folder/std/target
  unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
  # The names that packaging/build.sh gives: the library's texts lie in every program.
  flags="--remap-path-prefix=$root/usr/lib/rustlib/src/rust=/usr/src/rust"$'\x1f'"--remap-path-prefix=$sources=/usr/src/rust"
  flags+=$'\x1f'"--remap-path-prefix=$(readlink -m "${CARGO_HOME:-$HOME/.cargo}")=/cargo"
  CARGO_ENCODED_RUSTFLAGS=$flags cargo build --quiet --release -Z build-std=std,panic_abort --target "$musl"
)
mkdir -p "$root/usr/lib/rustlib/$musl/lib"
for built in std/target/"$musl"/release/deps/*.rlib; do
  case $built in */libempty-*) ;; *) cp "$built" "$root/usr/lib/rustlib/$musl/lib/" ;; esac
done
rm -rf debian std venv
{
  echo "$version"
  echo "zig $(bin/zig version)"
  bin/cargo-zigbuild --version
} >versions.new
mv versions.new versions
cat versions
