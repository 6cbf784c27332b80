"""From labeled fields to the detector's graph and card.

    python train_detector.py --data ../../../shared/data --binary ../../target/release/schistoquant --out ..

1. Fields, outlines and cut-out cells through the program itself (prepare.py, scenes.py). The outlines of chula-rbc-12 are
   thus those of the detector that is in the program; the first one was taught by outlines of a threshold and a watershed.
2. Training on the train parts alone; the figures of the val parts are printed on the way.
3. Graph and card; the graph's answers are compared with the network's.

Seeded; goes on from its checkpoint below `--work`. Two cores need about a quarter of an hour.
"""

import argparse
import copy
import hashlib
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import onnx
import onnxruntime
import torch

import detector
import prepare
import scenes
from fit import average
from network import fold_batch_norm

NAME = "schistoquant-cells"
VERSION = "2.0.0"
# Least probability of a center. At 0.2 the precision on the box sets fell from 0.96 to 0.91 (pbc) and from 0.90 to 0.79
# (raabin), for 0.01 to 0.02 of recall.
CENTER_PROBABILITY = {"red_cell": 0.3, "white_cell": 0.3, "platelet": 0.3}
TOLERANCE = 1e-3
BATCH = 8
# How often a tile is drawn from each set: the labels of the box sets are exact, those of chula-rbc-12 many.
SHARES = {"chula": 0.35, "cbc": 0.25, "pbc": 0.22, "raabin": 0.18}


class Drawn(torch.utils.data.IterableDataset):
    """Endless tiles with their targets, one source for each worker."""

    def __init__(self, train, cuts, seed):
        self.train, self.cuts, self.seed = train, cuts, seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        seed = self.seed + 1000 * (worker.id if worker else 0)
        random = np.random.default_rng(seed)
        sets = {
            name: scenes.Tiles([s for s in self.train if s.source == name], self.cuts, seed + k)
            for k, name in enumerate(SHARES)
        }
        names, shares = list(SHARES), np.array(list(SHARES.values()))
        while True:
            tile, boxes, kinds, ignored = sets[random.choice(names, p=shares / shares.sum())].draw()
            yield (np.ascontiguousarray(tile.transpose(2, 0, 1)), *detector.target(boxes, kinds, ignored))


def padded(rgb):
    """Input of a whole scene: padded with background to a multiple of 16."""
    h, w = (-(-side // 16) * 16 for side in rgb.shape[:2])
    full = np.full((h, w, 3), scenes.BACKGROUND, np.float32)
    full[: rgb.shape[0], : rgb.shape[1]] = rgb
    return torch.from_numpy(full / 127.5 - 1).permute(2, 0, 1).unsqueeze(0).float()


@torch.no_grad()
def answers(model, found):
    """Probabilities and distances of whole scenes."""
    model.eval()
    shipped = detector.Shipped(model)
    return [shipped(padded(scene.rgb))[0] for scene in found]


def box_figures(val, answered, threshold):
    """Recall and precision at IoU 0.5 of the boxes of red cells inside the frame, for each set."""
    result = {}
    for name in ("cbc", "pbc", "raabin"):
        matched = labeled = found = 0
        for scene, answer in zip(val, answered):
            if scene.source != name:
                continue
            boxes, kinds, _ = detector.decode(answer, threshold)
            boxes = boxes[kinds == 0]
            truth = scene.boxes[scene.kinds == 0]
            h, w = scene.rgb.shape[:2]
            inside = (truth[:, 0] > 1) & (truth[:, 1] > 1) & (truth[:, 2] < w - 1) & (truth[:, 3] < h - 1)
            pairs = sorted(
                ((detector.iou(a, b), i, j) for i, a in enumerate(boxes) for j, b in enumerate(truth)), reverse=True
            )
            used, got = {}, set()
            for overlap, i, j in pairs:
                if overlap >= 0.5 and i not in used and j not in got:
                    used[i] = j
                    got.add(j)
            matched += sum(bool(inside[j]) for j in got)
            labeled += int(inside.sum())
            at_frame = [
                i for i, b in enumerate(boxes) if i not in used and (b[0] < 2 or b[1] < 2 or b[2] > w - 2 or b[3] > h - 2)
            ]
            found += len(boxes) - sum(not inside[j] for j in used.values()) - len(at_frame)
        if labeled and found:
            recall, precision = matched / labeled, matched / found
            f1 = 2 * recall * precision / max(recall + precision, 1e-9)
            result[name] = {"recall": round(recall, 4), "precision": round(precision, 4), "f1": round(f1, 4)}
    return result


def one_thread(graph):
    """A session of a graph that leaves the other threads to the training."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def taught(teacher, tiles):
    """A teacher's answers to tiles, one after another: its graph takes one picture."""
    tiles = tiles.contiguous().numpy()
    return torch.from_numpy(np.concatenate([teacher.run(None, {"field": tile[None]})[0] for tile in tiles]))


def main():
    """Train, look at the val parts, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labeled sets")
    parser.add_argument("--binary", type=Path, help="the schistoquant program; not needed where the exports exist")
    parser.add_argument("--crops", type=Path, help="folder of exports (default WORK/crops)")
    parser.add_argument("--out", type=Path, required=True, help="folder of graph and card")
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument(
        "--teacher", type=Path, help="graph of an earlier detector, its card beside it, whose answers are learned beside the labels"
    )
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    asked.work.mkdir(parents=True, exist_ok=True)
    crop_folder = asked.crops or asked.work / "crops"
    if asked.binary is not None:
        crop_folder.mkdir(parents=True, exist_ok=True)
        prepare.export_crops(asked.binary, asked.data, crop_folder)
    found, cuts = scenes.load(asked.data, crop_folder)
    train = [s for s in found if s.part == "train"]
    val = [s for s in found if s.part == "val" and s.source != "chula"]
    print(f"scenes {len(found)} train {len(train)} boxes {sum(len(s.boxes) for s in train)} cuts {len(cuts)}", flush=True)
    model = detector.Detector().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(model)
    teacher = None if asked.teacher is None else one_thread(asked.teacher)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    checkpoint, first = asked.work / "detector.pt", 0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=False)
        if kept["steps"] == asked.steps and kept["seed"] == asked.seed:
            model.load_state_dict(kept["model"])
            mean.load_state_dict(kept["mean"])
            optimizer.load_state_dict(kept["optimizer"])
            first = kept["step"]
    # A run that goes on draws other tiles than one that was never stopped; the seed names what it draws.
    drawn = torch.utils.data.DataLoader(Drawn(train, cuts, asked.seed + first), batch_size=BATCH, num_workers=1)
    low_precision = bool(torch.cpu._is_avx512_bf16_supported())
    started, losses = time.time(), []
    for step, (tile, heat, distance, weight, known) in enumerate(drawn, first):
        if step >= asked.steps:
            break
        model.train()
        rate = 2e-3 * min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * step / asked.steps)) + 1e-6
        for group in optimizer.param_groups:
            group["lr"] = rate
        x = (tile.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low_precision):
            answer = model(x)
        value = detector.loss(answer.float(), heat, distance, weight, known)
        if teacher is not None:
            value = value + detector.likeness_loss(answer.float(), taught(teacher, x))
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        average(mean, model, min(0.998, (step + 1) / (step + 10)))
        losses.append(value.item())
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} loss {np.mean(losses[-100:]):.4f} {time.time() - started:.0f} s", flush=True)
        if (step + 1) % 500 == 0 or step + 1 == asked.steps:
            print(box_figures(val, answers(mean, val), 0.3), flush=True)
            state = {
                "steps": asked.steps,
                "seed": asked.seed,
                "step": step + 1,
                "model": model.state_dict(),
                "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            unfinished = checkpoint.with_suffix(".unfinished")
            torch.save(state, unfinished)
            unfinished.replace(checkpoint)
    sha256 = write_graph(mean, asked.out / f"{NAME}.onnx", val)
    write_card(asked.out / f"{NAME}.card.json", sha256, train, asked.teacher)
    print(box_figures(val, answers(mean, val), CENTER_PROBABILITY["red_cell"]), flush=True)


def write_graph(model, path, examples):
    """Export with normalization folded and compare on whole scenes; returns the SHA-256 of the file."""
    shipped = detector.Shipped(fold_batch_norm(model)).eval().to(memory_format=torch.contiguous_format)
    sample = torch.zeros(1, 3, scenes.TILE_PX, scenes.TILE_PX)
    torch.onnx.export(
        shipped,
        (sample,),
        str(path),
        input_names=["field"],
        output_names=["cells"],
        dynamic_axes={"field": {2: "height", 3: "width"}, "cells": {2: "grid_height", 3: "grid_width"}},
        opset_version=17,
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for scene in examples[:20]:
        x = torch.full((1, 3, scenes.TILE_PX, scenes.TILE_PX), scenes.BACKGROUND / 127.5 - 1)
        seen = padded(scene.rgb)[:, :, : scenes.TILE_PX, : scenes.TILE_PX]
        x[:, :, : seen.shape[2], : seen.shape[3]] = seen
        with torch.no_grad():
            expected = shipped(x).numpy()
        gap = float(np.abs(expected - session.run(None, {"field": x.numpy()})[0]).max())
        if gap > TOLERANCE:
            raise RuntimeError(f"{path}: expected the graph to answer as the network within {TOLERANCE}, found {gap}")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(path, sha256, train, teacher):
    """The card beside the graph; the program refuses one that does not match."""
    fields = {name: sum(s.source == name for s in train) for name in SHARES}
    boxes = {name: sum(len(s.boxes) for s in train if s.source == name) for name in SHARES}
    taught_by = ""
    if teacher is not None:
        earlier = json.loads(teacher.with_suffix(".card.json").read_text())
        taught_by = f". Beside the labels it learned the answers of {earlier['name']} {earlier['version']} on the same tiles"
    card = {
        "name": NAME,
        "version": VERSION,
        "graph_sha256": sha256,
        "um_per_px": scenes.UM_PER_PX,
        "center_probability": CENTER_PROBABILITY,
        "training": (
            "models/training/train_detector.py on train parts only: "
            + "; ".join(f"{name}: {fields[name]} fields, {boxes[name]} boxes" for name in SHARES)
            + taught_by
            + ". Boxes of chula-rbc-12 are those of outlines that hold one labeled point or look like one cell. Licences: "
            "chula-rbc-12, cbc and txl-pbc MIT, the PBC images in txl-pbc CC BY."
        ),
        "licence": "MIT",
        "limits": (
            "Romanowsky-stained films in or near the monolayer, cells 20 to 150 px wide. Cells whose centers lie within 1.25 "
            "um are one. Not made for thick or unstained films, tissue or bone marrow."
        ),
    }
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
