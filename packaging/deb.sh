#!/usr/bin/env bash
# Makes the Debian package from a program that is built already.
#
#   packaging/deb.sh PROGRAM OUTDIR
#   packaging/deb.sh target/release/schistoquant release
#
# In: a program for this machine's Linux; THIRD-PARTY.md, CHANGELOG.md and LICENSE of this repository. Out:
# OUTDIR/schistoquant_<version>-<revision>_<architecture>.deb, whose path is printed. The package depends on the C library of
# this machine or a newer one: build it on the oldest Debian that it is for.
#
# DEBFULLNAME, DEBEMAIL   who maintains the package, as for other tools of Debian
# DEB_REVISION            number after the version (default 1)
# SOURCE_DATE_EPOCH       time of its files (default: the time of the last commit), so that the same input gives the same bytes
set -euo pipefail

program=$(realpath "${1:?PROGRAM}")
out=$(realpath -m "${2:?OUTDIR}")
cd "$(dirname "$0")/.."
stage=target/deb # named in Cargo.toml, whatever CARGO_TARGET_DIR is

version=$("$program" --version)
version=${version##* }
declared=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
if [ "$version" != "$declared" ]; then
  echo "packaging/deb.sh: $program: expected version $declared of Cargo.toml, found $version: build it again" >&2
  exit 1
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
tools=$(packaging/tools.sh cargo-deb)

rm -rf "$stage"
mkdir -p "$stage" "$out"
# Debian wants no symbol table; what the program does stays the same. Tools of another architecture go by their prefix.
"${STRIP:-strip}" --strip-unneeded --remove-section=.comment --remove-section=.note -o "$stage/schistoquant" "$program"
"$program" manual --out "$stage"
{
  printf 'schistoquant: https://spdx.org/licenses/MIT.html, for the program and its models\n\n'
  cat LICENSE
  printf '\n%s\n' "What the program contains of others follows."
  cat THIRD-PARTY.md
} >"$stage/copyright"
cp CHANGELOG.md "$stage/changelog"
maintainer="${DEBFULLNAME:-the schistoquant authors} <${DEBEMAIL:-authors@schistoquant.invalid}>"
gzip -9 --no-name >"$stage/changelog.Debian.gz" <<TEXT
schistoquant ($version-${DEB_REVISION:-1}) unstable; urgency=medium

  * Package of schistoquant $version. What changed in the program stands in
    /usr/share/doc/schistoquant/changelog.gz.

 -- $maintainer  $(LC_ALL=C date --utc --date="@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')
TEXT
# Files that were made now would carry this minute.
find "$stage" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +

"$tools/cargo-deb" deb --quiet --no-build --no-strip --no-dbgsym --maintainer "$maintainer" --deb-revision "${DEB_REVISION:-1}" \
  --output "$out"
