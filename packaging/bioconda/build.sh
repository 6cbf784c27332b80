#!/usr/bin/env bash
# Builds the conda package: conda-build calls it in the unpacked source with PREFIX set. Out: program, manual pages and
# completions below PREFIX.
#
# FEATURES   features of the program; `full`, as releases carry, unless the check of this recipe asks for less
set -euo pipefail

cargo install --no-track --locked --path . --root "${PREFIX:?}" --features "${FEATURES-full}"

shared=$(mktemp -d)
"$PREFIX/bin/schistoquant" manual --out "$shared"
mkdir -p "$PREFIX/share/man/man1"
cp "$shared"/man1/*.1 "$PREFIX/share/man/man1/"
install -D -m 644 "$shared/completions/schistoquant.bash" "$PREFIX/share/bash-completion/completions/schistoquant"
install -D -m 644 "$shared/completions/_schistoquant" "$PREFIX/share/zsh/site-functions/_schistoquant"
install -D -m 644 "$shared/completions/schistoquant.fish" "$PREFIX/share/fish/vendor_completions.d/schistoquant.fish"
rm -rf "$shared"
