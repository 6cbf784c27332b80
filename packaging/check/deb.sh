#!/usr/bin/env bash
# Makes the Debian package and installs it in an empty root of this machine's Debian: the main job by an unprivileged user
# gives the same bytes as PROGRAM gives here, `man` finds the pages, and nothing is left after removal.
#
#   packaging/check/deb.sh PROGRAM OUTDIR
#
# In: a program that is built already. Out: OUTDIR/*.deb. Needs root or sudo, Debian's packages, and crates.io the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:?PROGRAM}")
out=$(realpath -m "${2:?OUTDIR}")
say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
missing=()
for tool in lintian mmdebstrap; do command -v "$tool" >/dev/null || missing+=("$tool"); done
command -v dpkg-shlibdeps >/dev/null || missing+=(dpkg-dev)
command -v strip >/dev/null || missing+=(binutils)
if [ "${#missing[@]}" -gt 0 ]; then
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
work=$(mktemp -d)
chmod 755 "$work"
trap 'as_root rm -rf "$work"' EXIT

# One time for both, whatever is committed meanwhile.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
package=$(packaging/deb.sh "$program" "$out" | tail -n 1)
[ -f "$package" ] || fail "packaging/deb.sh: expected the path of the package, found '$package'"
say "$(basename "$package"): $(stat -c %s "$package") bytes, program in it $(stat -c %s target/deb/schistoquant) bytes"
packaging/deb.sh "$program" "$work/again" >/dev/null
cmp "$package" "$work/again/$(basename "$package")"
say "made twice: the same bytes"
lintian --allow-root --fail-on error,warning --pedantic --display-info "$package" || fail "lintian"
# shellcheck source=/dev/null
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
start=$SECONDS
root=$work/root
as_root mmdebstrap --quiet --variant=minbase --include=man-db "$suite" "$root"
say "an empty $suite: $((SECONDS - start)) s"
inside() { as_root chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() { as_root chroot --userspec=nobody:nogroup "$root" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nowhere "$@"; }
# What installing and removing any package changes is left out.
everything() {
  as_root find "$root" -xdev \( -path "$root/var/log" -o -path "$root/var/cache" -o -path "$root/var/lib/apt" -o \
    -path "$root/var/lib/dpkg" -o -path "$root/var/lib/systemd" -o -path "$root/srv" -o -path "$root/tmp" \) -prune -o -print | sort
}

everything >"$work/before"
as_root cp "$package" "$root/tmp/schistoquant.deb"
inside apt-get install -y -qq --no-install-recommends /tmp/schistoquant.deb >"$work/apt" 2>&1 || { cat "$work/apt"; fail "apt-get install"; }
as_root cp -a fixtures/specimen "$root/srv/specimen"
as_root install -d -o nobody -g nogroup "$root/srv/report"
inside dpkg --verify schistoquant | tee "$work/verify"
[ ! -s "$work/verify" ] || fail "dpkg --verify: expected no line"
as_user sh -c 'cd /srv && schistoquant analyze specimen --out report --engine embedded --quiet' | head -n 2
(cd fixtures && "$program" analyze specimen --out "$work/report" --engine embedded --quiet >/dev/null)
for file in report.html case.json cells.csv; do cmp "$work/report/$file" "$root/srv/report/$file"; done
say "the main job as nobody: the same report as that of the program outside"

pages=0
for page in target/deb/man1/*.1; do
  name=$(basename "$page" .1)
  inside man --where "$name" | grep -q "/usr/share/man/man1/$name.1.gz" || fail "man does not find $name"
  pages=$((pages + 1))
done
inside env MANPAGER=cat man schistoquant-analyze | grep -q 'Count the schistocytes of one specimen' || fail "man schistoquant-analyze: no text"
say "$pages manual pages found by man"
for file in bash-completion/completions/schistoquant zsh/vendor-completions/_schistoquant fish/vendor_completions.d/schistoquant.fish; do
  grep -q schistoquant "$root/usr/share/$file" || fail "$file: expected a completion"
done
grep -q 'Licence texts' "$root/usr/share/doc/schistoquant/copyright" || fail "copyright: expected the licences of THIRD-PARTY.md"

inside apt-get purge -y -qq schistoquant >"$work/apt" 2>&1 || { cat "$work/apt"; fail "apt-get purge"; }
everything >"$work/after"
diff "$work/before" "$work/after" || fail "the lines with > were left by the removed package"
say "removed: nothing is left"
