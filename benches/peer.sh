#!/usr/bin/env bash
# Runs a pipeline of OpenCV and ONNX Runtime in Python (the peer) and this program on the same fields, with the same ONNX
# file, the same ONNX Runtime library and one thread, several times in turn, and prints medians and ratios.
#
#   benches/peer.sh PEER_PIPELINE.py IMAGE_FOLDER [FIELDS [ROUNDS]]
#
# Rows as the peer prints them: decode, segment, classify, whole. Ours: `stages` of the bench `whole` for the same files.
# Both are pinned to one core. The library is the one of the peer's own package (PyPI `onnxruntime`).
set -euo pipefail
peer=$(realpath "$1") folder=$(realpath "$2") fields=${3:-60} rounds=${4:-5}
cd "$(dirname "$0")/.."
work=${PEER_WORK:-target/peer}
mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet numpy opencv-python-headless onnxruntime
fi
library=$(find "$work/venv" -name 'libonnxruntime.so.*' | head -n 1)
cargo build --release --quiet
cargo bench --no-run --quiet --bench whole
program=${CARGO_TARGET_DIR:-target}/release/schistoquant
model=models/schistoquant-rbc13.onnx
mapfile -t images < <(find "$folder" -maxdepth 1 -type f \( -name '*.jpg' -o -name '*.png' \) | sort -V | head -n "$fields")
pin=(); command -v taskset >/dev/null && pin=(taskset -c "${PEER_CORE:-0}")
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1
: >"$work/rounds.jsonl"
for round in $(seq "$rounds"); do
  "${pin[@]}" "$work/venv/bin/python" "$peer" "$model" "${images[@]}" 2>&1 >/dev/null | tail -n 1 >"$work/peer.json"
  ORT_DYLIB_PATH=$library "${pin[@]}" cargo bench --quiet --bench whole -- --stages "${images[@]}" >"$work/ours.json"
  "${pin[@]}" bash -c 'start=$(date +%s%N); "$@" >/dev/null; echo $(( $(date +%s%N) - start ))' _ \
    "$program" analyze "${images[@]}" --out "$work/out" --threads 1 --quiet --onnxruntime "$library" --format json,csv \
    >"$work/whole.ns" || true
  python3 - "$work" <<'PY' >>"$work/rounds.jsonl"
import json, sys
from pathlib import Path
work = Path(sys.argv[1])
print(json.dumps({"peer": json.loads((work / "peer.json").read_text()), "ours": json.loads((work / "ours.json").read_text()),
                  "whole_s": int((work / "whole.ns").read_text()) / 1e9}))
PY
done
python3 - "$work/rounds.jsonl" "${#images[@]}" <<'PY'
import json, sys
from statistics import median
rounds = [json.loads(line) for line in open(sys.argv[1])]
fields = int(sys.argv[2])
ms = lambda of: 1e3 * median(of(r) for r in rounds) / fields
peer = {k: ms(lambda r: r["peer"][k]) for k in ("decode", "segment", "classify", "total_s")}
ours = {k: ms(lambda r: r["ours"][k]) for k in rounds[0]["ours"] if k.endswith("_s")}
print(f"{fields} fields, {len(rounds)} rounds, one thread, medians in ms a field")
for name, value in peer.items(): print(f"  peer {name:22} {value:8.2f}")
for name, value in ours.items(): print(f"  ours {name:22} {value:8.2f}")
whole = ms(lambda r: r["whole_s"])
print(f"  ours analyze, as a process    {whole:8.2f}")
PY
