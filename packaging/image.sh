#!/usr/bin/env bash
# Builds a container image from a program that is built already. No network is needed for the target `program`.
#
#   packaging/image.sh PROGRAM TAG [TARGET]
#   packaging/image.sh target/release/schistoquant schistoquant:0.2.0
#   BUILDER=podman packaging/image.sh target/release/schistoquant schistoquant-worker:0.2.0 worker
#
# In: a program for this machine's Linux. Out: an image in the store of the builder (buildah, podman or docker). The
# script lays the program, the C libraries that `ldd` names and an empty /tmp into a folder, and the Containerfile copies
# that folder: it is the one definition of the image. A target of another base (`worker`, Debian 12) runs the program only
# where that base has a C library at least as new as this machine's.
set -euo pipefail

program=${1:?PROGRAM}
tag=${2:?TAG}
target=${3:-program}
source=$(cd "$(dirname "$0")/.." && pwd)
builder=${BUILDER:-buildah}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -D -m 755 "$program" "$root/usr/local/bin/schistoquant"
for library in $(ldd "$program" | grep -o '/[^ )]*'); do
  # Under the name by which the program asks for it, whatever that links to here.
  install -D -m 755 "$(readlink -f "$library")" "$root$library"
done
# Fields of large specimens are kept in temporary files.
mkdir -m 1777 "$root/tmp"
chmod 755 "$root"

version=$("$program" --version)
"$builder" build --file "$source/Containerfile" --target "$target" --tag "$tag" \
  --build-arg VERSION="${version##* }" \
  --build-arg REVISION="$(git -C "$source" rev-parse HEAD 2>/dev/null || echo unknown)" \
  "$root"
