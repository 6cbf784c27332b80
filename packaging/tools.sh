#!/usr/bin/env bash
# Puts the Rust tools of the packages, each at a fixed version, into one folder and prints that folder. Built once: a second
# call finds them there.
#
#   tools=$(packaging/tools.sh cargo-deb cargo-about cargo-cyclonedx)
#
# In: names of tools. Out: <target>/tools/bin on stdout. Needs crates.io the first time. None of them is to be had built: the
# index of Python packages holds a `cargo-deb` of 2023 and no other; Debian has `cargo-cyclonedx` from trixie on.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(realpath -m "${CARGO_TARGET_DIR:-target}/tools")

version_of() {
  case $1 in
    cargo-about) echo 0.9.3 ;;
    cargo-cyclonedx) echo 0.5.9 ;;
    cargo-deb) echo 3.8.0 ;;
    *)
      echo "packaging/tools.sh: expected cargo-about, cargo-cyclonedx or cargo-deb, found '$1'" >&2
      return 2
      ;;
  esac
}

for tool in "$@"; do
  version=$(version_of "$tool")
  if [ -x "$root/bin/$tool" ] && [ "$(cat "$root/$tool.version" 2>/dev/null)" = "$version" ]; then continue; fi
  features=()
  # Without it the package is a library alone.
  if [ "$tool" = cargo-about ]; then features=(--features cli); fi
  start=$SECONDS
  # They run for seconds: half of the optimizing costs less than it gains.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --quiet --locked --force --root "$root" --target-dir "$root/build-$tool" "$tool@$version" "${features[@]}" >&2
  echo "$version" >"$root/$tool.version"
  rm -rf "$root/build-$tool"
  echo "-- $tool $version built in $((SECONDS - start)) s" >&2
done
echo "$root/bin"
