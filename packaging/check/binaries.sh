#!/usr/bin/env bash
# Checks the programs that are built for others: static, in images, the same bits for every builder, for aarch64.
#
#   packaging/check/binaries.sh PROGRAM OUTDIR
#   packaging/check/binaries.sh target/release/schistoquant /tmp/binaries
#
# In: from the repository's root, a release program of default features. TOOLCHAIN: the folder of packaging/toolchain.sh,
# filled here where it is not; every user must be able to read it (default /var/tmp/schistoquant-toolchain). Out, in OUTDIR:
# static/schistoquant, aarch64/schistoquant, both images as archives, and the reports that were compared. Prints sizes and
# times. Needs root or sudo for packages, a second user and an empty root.
#
# Sampled: two users build some libraries, and a program for aarch64 is built. CHECKS=whole, as a release does, lets the second
# user build the whole static program, and builds the wheel for aarch64, whose program is run then: 20 minutes more. Emulation
# is slow, so aarch64 gets the 18 fields of fixtures/specimen and two drawn films of three fields.
set -euo pipefail

program=$(readlink -f "${1:?PROGRAM}")
out=$(readlink -m "${2:?OUTDIR}")
cd "$(dirname "$0")/../.."
checkout=$PWD
mkdir -p "$out"
export TOOLCHAIN=${TOOLCHAIN:-/var/tmp/schistoquant-toolchain}
# What is compared must come from the engine that is named, whatever is installed here.
export ORT_DYLIB_PATH=
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
step() { printf '\n== binaries: %s (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }
fail() {
  echo "$*" >&2
  exit 1
}
second=schistoquant-second
work=$(mktemp -d)
chmod 755 "$work"
tidy() {
  as_root rm -rf "$work"
  if id "$second" >/dev/null 2>&1; then as_root userdel --remove "$second" 2>/dev/null || true; fi
}
trap tidy EXIT

# The three files that are compared everywhere.
same_reports() {
  for file in report.html case.json cells.csv; do cmp "$1/$file" "$2/$file"; done
  echo "same bytes of report.html, case.json and cells.csv: $2"
}
# Seconds of the fastest of three runs: what else the machine does only ever adds.
fastest() {
  local best=999999 from spent
  for _ in 1 2 3; do
    from=$(date +%s%N)
    "$@" >/dev/null 2>&1
    spent=$((($(date +%s%N) - from) / 1000000))
    if [ "$spent" -lt "$best" ]; then best=$spent; fi
  done
  echo "$best"
}

step "tools"
missing=()
python3 -c 'import ensurepip, venv' || missing+=(python3-venv)
command -v readelf >/dev/null || missing+=(binutils)
command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
command -v buildah >/dev/null || missing+=(buildah)
command -v shellcheck >/dev/null || missing+=(shellcheck)
if [ "${#missing[@]}" -gt 0 ]; then
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
shellcheck packaging/*.sh packaging/check/*.sh
"$checkout/packaging/toolchain.sh" "$TOOLCHAIN"
"$program" analyze fixtures/specimen --out "$work/plain" --engine embedded --quiet

step "the static program"
packaging/static.sh "$out/static"
static=$out/static/schistoquant
stat --format '%s bytes  %n' "$program" "$static"
"$static" analyze fixtures/specimen --out "$work/static" --quiet
same_reports "$work/plain" "$work/static"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime
library=$(find "$work/venv" -name 'libonnxruntime.so.*' | head -n 1)
env -u ORT_DYLIB_PATH VIRTUAL_ENV="$work/venv" "$static" analyze fixtures/specimen --out "$work/auto" >"$work/auto.txt"
grep '^engine: embedded' "$work/auto.txt"
same_reports "$work/plain" "$work/auto"
for refused in "--onnxruntime $library" "--engine onnxruntime"; do
  code=0
  # shellcheck disable=SC2086  # two words
  "$static" analyze fixtures/specimen --out "$work/refused" $refused 2>"$work/refused.txt" || code=$?
  [ "$code" = 5 ] || fail "$refused: expected exit code 5, found $code: $(cat "$work/refused.txt")"
  grep 'expected a program that can load a library, found one that is linked statically' "$work/refused.txt"
done
for threads in 1 2; do
  run=(analyze fixtures/specimen --engine embedded --quiet --threads "$threads" --out)
  echo "$threads thread(s), fastest of 3, ms: glibc $(fastest "$program" "${run[@]}" "$work/time"), static $(fastest "$static" "${run[@]}" "$work/time")"
done

step "the static program in an empty root, as an unprivileged user"
empty=$work/empty
mkdir -p "$empty/fixtures"
install -m 755 "$static" "$empty/schistoquant"
# With their times: the newest stands in the report.
cp -a fixtures/specimen "$empty/fixtures/specimen"
mkdir -m 1777 "$empty/tmp" "$empty/report"
as_root chroot --userspec=10001:10001 "$empty" /schistoquant analyze fixtures/specimen --out report --quiet
same_reports "$work/plain" "$empty/report"

step "the same bits from a second user in another folder"
as_root useradd --create-home "$second"
home=$(getent passwd "$second" | cut -d: -f6)
git ls-files -z | tar --create --null --files-from=- | as_root tar --extract --directory "$home" --one-top-level=another-place
# The program of cargo itself: rustup's lies in a home that the second user may not read.
cargo=$(rustup which cargo 2>/dev/null || command -v cargo)
as_root install -D -m 755 "$cargo" "$home/bin/cargo"
as_root chown -R "$second:" "$home"
as_second() {
  as_root env --chdir="$home/another-place" --unset=CARGO_HOME --unset=CARGO_TARGET_DIR --unset=RUSTUP_HOME \
    --unset=XDG_CACHE_HOME HOME="$home" PATH="$home/bin:$PATH" TOOLCHAIN="$TOOLCHAIN" RUSTC="$TOOLCHAIN/bin/rustc" \
    setpriv --reuid="$second" --regid="$second" --clear-groups "$@"
}
if [ "${CHECKS:-sampled}" = whole ]; then
  as_second packaging/static.sh "$home/out"
  as_root cat "$home/out/schistoquant" >"$work/second"
  sha256sum "$static" "$work/second"
  cmp "$static" "$work/second"
else
  # They hold texts of panics, with the paths of their sources.
  libraries=(--package csv --package tempfile --package tiff --package zune-jpeg)
  RUSTC=$TOOLCHAIN/bin/rustc CARGO_TARGET_DIR=$work/first packaging/build.sh "${libraries[@]}"
  as_second packaging/build.sh "${libraries[@]}"
  sums() { (cd "$1/release/deps" && sha256sum libcsv-*.rlib libtempfile-*.rlib libtiff-*.rlib libzune_jpeg-*.rlib); }
  sums "$work/first" | tee "$work/first.sums"
  [ "$(wc -l <"$work/first.sums")" = 4 ] || fail "expected four libraries, found others (above)"
  sums "$home/another-place/target" | diff "$work/first.sums" -
fi
if grep -a -o -m 3 -F -e "$checkout/" -e "$HOME/" "$static"; then fail "$static: expected no path of its builder, found the above"; fi
# C may write when it was compiled.
if strings "$static" | grep -xE '[0-9]{2}:[0-9]{2}:[0-9]{2}'; then fail "$static: expected no time of its compilation, found the above"; fi

step "images: the static program alone, and with ONNX Runtime"
export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/store" "$work/run" >"$work/storage.conf"
"$program" analyze fixtures/specimen --out "$work/ort" --onnxruntime "$library" --quiet
packaging/image.sh "$static" schistoquant:checked
LIBRARY=$library packaging/image.sh "$program" schistoquant-onnxruntime:checked onnxruntime
for image in schistoquant schistoquant-onnxruntime; do
  container=$(buildah from "$image:checked")
  mkdir -m 777 "$work/$image"
  buildah run --volume "$checkout/fixtures/specimen:/fixtures/specimen:ro" --volume "$work/$image:/report" "$container" -- \
    /usr/local/bin/schistoquant analyze fixtures/specimen --out report >"$work/$image.txt"
  grep '^engine: ' "$work/$image.txt"
  # Who wrote tells who ran.
  [ "$(stat --format %u "$work/$image/case.json")" = 10001 ] || fail "$image: expected files of user 10001, found others"
  buildah rm "$container" >/dev/null
  buildah push --quiet "$image:checked" "oci-archive:$out/$image-image.tar:$image:checked"
done
buildah images --format '{{.Name}} {{.Size}}'
same_reports "$work/plain" "$work/schistoquant"
same_reports "$work/ort" "$work/schistoquant-onnxruntime"
unset CONTAINERS_STORAGE_CONF BUILDAH_ISOLATION

step "aarch64, emulated: the same case.json and cells.csv"
if [ "${CHECKS:-sampled}" = whole ]; then
  wheel=$(packaging/wheel.sh "$out" aarch64-unknown-linux-gnu)
  python3 -m zipfile --extract "$wheel" "$work/wheel"
  install -D -m 755 "$work"/wheel/schistoquant-*.data/scripts/schistoquant "$out/aarch64/schistoquant"
else
  packaging/cross.sh aarch64-unknown-linux-gnu "$out/aarch64"
fi
stat --format '%s bytes  %n' "$out/aarch64/schistoquant"
for seed in 11 12; do
  "$program" synth --out "$work/film-$seed" --seed "$seed" --fields 3 >/dev/null
done
for film in fixtures/specimen "$work/film-11" "$work/film-12"; do
  name=$(basename "$film")
  code=0
  "$program" analyze "$film" --out "$out/x86_64-$name" --engine embedded --quiet || [ $? = 4 ]
  from=$SECONDS
  qemu-aarch64-static -L "$TOOLCHAIN/arm64" "$out/aarch64/schistoquant" analyze "$film" --out "$out/aarch64-$name" \
    --engine embedded --quiet || [ $? = 4 ]
  echo "$name: $((SECONDS - from)) s emulated"
  python3 packaging/check/compare_cases.py "$out/x86_64-$name" "$out/aarch64-$name" || code=$?
  [ "$code" -le 1 ] || fail "$name: expected the same classes and counts on both, found others"
done
step "done"
