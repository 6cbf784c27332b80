#!/usr/bin/env bash
# Whether those who use the last release can use what is here: its files, its command line, its library.
#
#   packaging/check/compatibility.sh
#
# In: nothing; runs in the repository's root. The last release is the newest tag `v*` before HEAD. Out: a line for each
# promise that is broken, and exit code 1 if there is one. docs/versions.md says what is promised and which version allows
# which change. Without a release it says SKIPPED; then, and with one, it proves on a copy that it finds what it must.
#
# SEMVER_CHECKS=always runs the comparison of the library in that proof, too; by default it runs where a release exists,
# because the tool is built from source for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD

# Version of the tool that compares libraries; the one that was tried.
readonly SEMVER_CHECKS_VERSION=0.51.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The newest release before HEAD of a repository; nothing where there is none.
last_release() {
  git -C "$1" rev-parse --quiet --verify 'HEAD^' >/dev/null || return 0
  git -C "$1" describe --tags --abbrev=0 --match 'v[0-9]*' 'HEAD^' 2>/dev/null || true
}

# The files of a commit of a repository, in a folder.
export_commit() {
  mkdir -p "$3"
  git -C "$1" archive "$2" | tar -x -C "$3"
}

# Compares the library of two folders.
compare_library() {
  local tool
  tool=$(command -v cargo-semver-checks || true)
  if [ -z "$tool" ]; then
    # Nobody offers it built, so it is compiled: once in a run, and kept where the caller keeps tools.
    cargo install --quiet --locked --root "${CARGO_INSTALL_ROOT:-$work/tools}" "cargo-semver-checks@$SEMVER_CHECKS_VERSION"
    PATH="${CARGO_INSTALL_ROOT:-$work/tools}/bin:$PATH"
  fi
  # The public face is the same in every build; the default one compiles fastest.
  (cd "$2" && cargo semver-checks --baseline-root "$1" --package schistoquant --default-features)
}

# Compares two folders by files and command line; every comparison is made before it fails.
compare_files() {
  local failed=0
  python3 "$here/packaging/check/schema_compatibility.py" "$1" "$2" || failed=1
  python3 "$here/packaging/check/interface_compatibility.py" "$1" "$2" || failed=1
  return "$failed"
}

# Compares a repository's working tree with its last release; 3 where it has none.
compare_with_release() {
  local tag
  tag=$(last_release "$1")
  [ -n "$tag" ] || return 3
  echo "compared with $tag"
  rm -rf "$work/released"
  export_commit "$1" "$tag" "$work/released"
  compare_files "$work/released" "$1"
}

# Fails unless a comparison of the copy ends with a code and says something.
expect() {
  local wanted=$1 words=$2 code=0 said
  said=$(compare_with_release "$work/copy" 2>&1) || code=$?
  if [ "$code" != "$wanted" ] || ! grep -qF -- "$words" <<<"$said"; then
    printf 'expected code %s and "%s", found code %s and\n%s\n' "$wanted" "$words" "$code" "$said" >&2
    exit 1
  fi
  echo "proved: $3"
}

# Commits the copy.
commit() {
  git -C "$work/copy" add --all
  git -C "$work/copy" -c user.name=check -c user.email=check@localhost -c commit.gpgsign=false commit --quiet --allow-empty --message "$1"
}

# Takes a required key out of the schema of a copy: its readers rely on it.
break_schema() {
  python3 - "$1" <<'PY'
import json, pathlib, sys
[path] = pathlib.Path(sys.argv[1], "src/report/schema").glob("case-v*.json")
schema = json.loads(path.read_text(encoding="utf-8"))
schema["required"].remove("statement")
del schema["properties"]["statement"]
path.write_text(json.dumps(schema), encoding="utf-8")
PY
}

# Renames an option of the page of the command line.
break_command_line() {
  sed -i "s/^| \`--accession ID\` /| \`--specimen ID\` /" "$1/docs/command-line.md"
}

# Renames a function of the library's face.
break_library() {
  sed -i 's/pub fn um_per_px(/pub fn micrometers_per_px(/; s/\.um_per_px(/.micrometers_per_px(/' "$1/src/analysis.rs"
}

# --- The tests of the comparisons, and the proof on a copy: the present state is a release there.
(cd packaging/check && python3 -B -m unittest --quiet test_schema_compatibility test_interface_compatibility)
mkdir "$work/copy"
git ls-files -z --cached --others --exclude-standard -- Cargo.toml Cargo.lock README.md src docs openslide benches \
  'models/*.json' 'models/*.onnx' | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
  tar --null --files-from=- -c | tar -x -C "$work/copy"
git -C "$work/copy" init --quiet
commit "The present state"
code=0
compare_with_release "$work/copy" || code=$?
[ "$code" = 3 ] || { echo "expected no release in a copy without a tag, found code $code" >&2; exit 1; }
git -C "$work/copy" -c user.name=check -c user.email=check@localhost tag --annotate --no-sign --message release v0.0.1
commit "Nothing has changed"
expect 0 "compared with v0.0.1" "an unchanged state passes"
break_schema "$work/copy"
expect 1 "/statement: was always there, is gone" "a key that is gone from case.json is found"
git -C "$work/copy" checkout --quiet -- .
break_command_line "$work/copy"
expect 1 "\`analyze --accession\` is gone" "an option that is gone is found"
git -C "$work/copy" checkout --quiet -- .
if [ "${SEMVER_CHECKS:-}" = always ] || [ -n "$(last_release "$here")" ]; then
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}/compatibility
  rm -rf "$work/released"
  export_commit "$work/copy" v0.0.1 "$work/released"
  compare_library "$work/released" "$work/copy"
  echo "proved: an unchanged library passes"
  break_library "$work/copy"
  if compare_library "$work/released" "$work/copy" >"$work/library" 2>&1 || ! grep -q um_per_px "$work/library"; then
    cat "$work/library" >&2
    echo "expected the renamed Options::um_per_px to be found" >&2
    exit 1
  fi
  echo "proved: a function that is gone from the library is found"
  git -C "$work/copy" checkout --quiet -- .
else
  echo "SKIPPED: the comparison of the library, whose tool takes minutes to build; SEMVER_CHECKS=always runs it"
fi

# --- The comparison itself.
code=0
compare_with_release "$here" || code=$?
case $code in
0) compare_library "$work/released" "$here" ;;
3) echo "SKIPPED: no release yet" ;;
*) exit 1 ;;
esac
