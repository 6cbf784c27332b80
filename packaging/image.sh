#!/usr/bin/env bash
# Builds a container image from a program that is built already. No network is needed for the targets `program` and
# `onnxruntime`.
#
#   packaging/image.sh PROGRAM TAG [TARGET]
#   packaging/image.sh out/schistoquant schistoquant:0.2.0
#   LIBRARY=libonnxruntime.so.1.24.1 packaging/image.sh target/release/schistoquant schistoquant-onnxruntime:0.2.0 onnxruntime
#   BUILDER=podman packaging/image.sh target/release/schistoquant schistoquant-worker:0.2.0 worker
#
# In: a program for this machine's Linux, static or not; for the target `onnxruntime` in LIBRARY the library that
# `pip install onnxruntime` lays, under its own name. Out: an image in the store of the builder (buildah, podman or
# docker). The script lays the program, the C libraries that `ldd` names and an empty /tmp into a folder, and the
# Containerfile copies that folder: it is the one definition of the image. A static program has no libraries, so its image
# holds nothing else. A target of another base (`worker`, Debian 12) runs the program only where that base has a C library
# at least as new as this machine's.
set -euo pipefail

program=${1:?PROGRAM}
tag=${2:?TAG}
target=${3:-program}
source=$(cd "$(dirname "$0")/.." && pwd)
builder=${BUILDER:-buildah}

# The libraries that a file asks for, by path; none of a static file.
libraries_of() {
  if readelf --dynamic "$1" | grep -q NEEDED; then
    ldd "$1" | grep -o '/[^ )]*'
  fi
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -D -m 755 "$program" "$root/usr/local/bin/schistoquant"
needed=$(libraries_of "$program")
if [ "$target" = onnxruntime ]; then
  library=${LIBRARY:?LIBRARY: the path of libonnxruntime.so.VERSION}
  if [ -z "$needed" ]; then
    echo "$program: expected a program for glibc, found a static one, which cannot load a library" >&2
    exit 2
  fi
  # Where `pip` would lay it beside the program: `--engine auto` looks there. The name holds the version, which stands in
  # every record.
  install -D -m 755 "$library" \
    "$root/usr/local/lib/python3/site-packages/onnxruntime/capi/$(basename "$library")"
  needed+=$'\n'$(libraries_of "$library")
fi
for library in $needed; do
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
