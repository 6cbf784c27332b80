#!/usr/bin/env bash
# What scripts/release refuses, and that a failed step leaves nothing that looks like a release. No input.
#
#   packaging/check/release.sh
#
# In a copy of this repository the steps that build for an hour are replaced by ones that write a small file; scripts/release
# itself is the one of this repository. Out: nothing but what is said. Needs git, cargo and Python.
# shellcheck disable=SC2016  # the commands of the short steps are for their own shell
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  cat "$work/said" >&2
  exit 1
}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
clone=$work/clone
mkdir "$clone" "$work/bin"
# What is not committed yet is tried too.
git ls-files --cached --others --exclude-standard -z | grep -zvE '^(fixtures|docs|models/training)/' | xargs -0 cp --parents -t "$clone" 2>/dev/null || true
cd "$clone"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export CARGO_TARGET_DIR=$clone/target

stub() { # PATH; the commands come from stdin
  mkdir -p "$(dirname "$1")"
  { printf '#!/usr/bin/env bash\nset -euo pipefail\n'; cat; } >"$1"
  chmod +x "$1"
}
stub .ci/run <<<'echo ran; [ ! -e target/fail ] || exit 7'
stub packaging/build.sh <<<"mkdir -p target/release; printf '#!/bin/sh\necho schistoquant $version\n' >target/release/schistoquant; chmod +x target/release/schistoquant"
stub packaging/static.sh <<<'mkdir -p "$1"; echo static >"$1/schistoquant"'
stub packaging/check/wheel.sh <<<'mkdir -p "$1"; echo wheel >"$1/schistoquant-0-py3-none-any.whl"; [ ! -e target/change ] || echo >>README.md'
stub packaging/wheel.sh <<<'echo wheel >"$1/schistoquant-0-py3-none-$2.whl"'
stub packaging/deb.sh <<<'[ ! -e target/fail-deb ] || { false; echo "went on after a failed command"; }; echo deb >"$2/schistoquant_amd64.deb"'
stub packaging/image.sh <<<'true'
stub packaging/third-party.sh <<<'true'
stub packaging/contents.sh <<<'[ $# = 7 ] || { echo "expected six artefacts, found: $*"; exit 1; }; echo bill >"$1/schistoquant.cdx.json"'
stub "$work/bin/buildah" <<<'echo image >"$(echo "$4" | cut -d: -f2)"'
export PATH=$work/bin:$PATH

git init --quiet --initial-branch main
git config user.name check && git config user.email check@schistoquant.invalid
# The version to be released must have its section.
grep -q "^## \[$version\]" CHANGELOG.md || printf '\n## [%s]\n- A change.\n' "$version" >>CHANGELOG.md
git add --all && git commit --quiet --message "A copy with short steps"

refused() { # WORDS: scripts/release refuses with them and leaves nothing
  local code=0
  scripts/release "$work/out" >"$work/said" 2>&1 || code=$?
  [ $code = 2 ] || fail "$1: expected a refusal (exit code 2), found $code"
  grep -qF "$1" "$work/said" || fail "expected a refusal that says '$1'"
  if [ -e "$work/out" ] || [ -e "$work/out.unfinished" ]; then fail "$1: something was left"; fi
  say "refused: $(head -n 1 "$work/said")"
}
restored() { git reset --quiet --hard && git clean --quiet -fd; }

echo >>README.md && refused "expected a clean tree" && restored
touch stray && refused "?? stray" && restored
sed -i "s/^## \[$version\]/## [0.0.0]/" CHANGELOG.md && git commit --quiet --all --message "No section"
refused "expected a section '## [$version]'" && git reset --quiet --hard HEAD~1
printf '# Changelog\n\n## [%s]\n\n## [0.0.1]\n- Old.\n' "$version" >CHANGELOG.md && git commit --quiet --all --message "Empty section"
refused "lists no change" && git reset --quiet --hard HEAD~1
git tag "v$version" && refused "the tag v$version exists" && git tag --delete "v$version" >/dev/null
sed -i "s/$version/9.9.9/" packaging/bioconda/meta.yaml && git commit --quiet --all --message "Another version"
refused "packaging/bioconda/meta.yaml: expected version $version" && git reset --quiet --hard HEAD~1
git rm --quiet packaging/static.sh && git commit --quiet --message "A step is missing"
refused "packaging/static.sh: expected this step" && git reset --quiet --hard HEAD~1
mkdir "$work/out"
if scripts/release "$work/out" >"$work/said" 2>&1; then fail "a folder that exists: expected a refusal"; fi
grep -q "exists: a release is made once" "$work/said" || fail "a folder that exists: expected it to be named"
rmdir "$work/out"

scripts/release --dry-run "$work/out" >"$work/said" 2>&1 || fail "--dry-run: expected exit code 0"
for step in checks debian_package sums; do grep -q "^  $step  *[a-z]" "$work/said" || fail "--dry-run: expected the step $step"; done
if [ -e "$work/out.unfinished" ] || [ -n "$(git tag)" ] || [ -e target/release ]; then fail "--dry-run did something"; fi
say "--dry-run lists $(grep -c '^  [a-z_]*  ' "$work/said") steps and does none"

stopped() { # FILE WORDS: with target/FILE the run stops; no folder, no sums, no tag
  mkdir -p target && touch "target/$1"
  local code=0
  scripts/release "$work/out" >"$work/said" 2>&1 || code=$?
  [ $code = 1 ] || fail "$1: expected exit code 1, found $code"
  grep -qF "$2" "$work/said" || fail "$1: expected '$2'"
  if grep -q 'went on after' "$work/said"; then fail "$1: the step went on after a failed command"; fi
  [ ! -e "$work/out" ] || fail "$1: a folder was left that looks complete"
  [ -z "$(git tag)" ] || fail "$1: a tag was set"
  rm -r "target/$1" && restored
  say "stopped: $(grep 'stopped:' "$work/said" | cut -c 1-80)"
}
stopped fail "the step checks failed with exit code 7"
stopped fail-deb "the step debian_package failed"
[ ! -e "$work/out.unfinished/SHA256SUMS" ] || fail "an unfinished folder holds sums"
stopped change "a step changed the tree"

scripts/release "$work/out" >"$work/said" 2>&1 || fail "expected a release"
(cd "$work/out" && sha256sum --quiet --check SHA256SUMS)
listed=$(wc -l <"$work/out/SHA256SUMS")
[ "$listed" = "$(find "$work/out" -type f ! -name SHA256SUMS | wc -l)" ] || fail "SHA256SUMS does not list every file"
[ "$(git rev-parse "v$version^{commit}")" = "$(git rev-parse HEAD)" ] || fail "the tag does not name the commit"
[ -s "$work/out/CHANGES.md" ] || fail "CHANGES.md: expected the section of the changelog"
hash=$(sha256sum "$work/out/schistoquant-$version.tar.gz")
grep -q "sha256 = \"${hash%% *}\"" "$work/out/bioconda/meta.yaml" || fail "the recipe: expected the hash of the source"
refused_again=0
scripts/release "$work/other" >"$work/said" 2>&1 || refused_again=$?
[ $refused_again = 2 ] || fail "a second release of one version: expected a refusal"
say "a release of $listed files; the same version a second time is refused"
