"""From labeled fields to the shipped graph and its card, in one command.

    python train.py --data ../../../shared/data --binary ../../target/release/schistoquant --out ..

1. Crops of every set through the program itself, joined with the labels (prepare.py).
2. Three teachers, each without one third of the acquisition groups, other seeds (cross-fitting).
3. Their out-of-fold predictions name labels to doubt (noise.py); their mean teaches the student.
4. The student on labels, healthy objects, teachers' probabilities, also on cells without a label.
5. Calibration and operating points on the val parts (calibrate.py), figures on val and test, export (export.py).

Everything is kept under `--work`; a run that was stopped goes on where it was. The shipped model was trained with
`--teacher-epochs 0 --student-epochs 36`: about 30 s an epoch on two free cores. Teachers take four times as long an epoch.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

# Threads that wait must sleep: where other programs share the cores, spinning ones make an epoch ten times longer.
# Read by the OpenMP runtime when torch is loaded, so it stands before that import.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch

import calibrate
import export
import figures
import fit
import labels
import network
import noise
import objective
import prepare
import table
from augment import to_input

NAME = "schistoquant-rbc13"
VERSION = "2.0.0"
UM_PER_PX = 0.1875
FOLDS = 3
# Views of flips and quarter turns that are averaged for a teacher's answer.
TEACHER_VIEWS = 8
# Cells without a label that the student sees in an epoch, beside all others.
UNLABELED_PER_EPOCH = 5000
# How often a labeled schistocyte is shown in an epoch.
SCHISTOCYTE_REPEATS = 2
# Weight of a drawn cell's label against a real one's: it teaches shape, not what films look like.
DRAWN_TRUST = 0.3

TEACHER = fit.Plan(seed=0, epochs=22, weights=objective.Weights(healthy=1.0))
STUDENT = fit.Plan(
    seed=100, epochs=36, learning_rate=3e-3, weights=objective.Weights(healthy=1.0, teacher=2.0)
)


def arguments():
    """What the user typed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the labeled sets")
    parser.add_argument("--binary", type=Path, help="the schistoquant program; not needed where the crops exist")
    parser.add_argument("--crops", type=Path, help="folder of crops (default WORK/crops)")
    parser.add_argument("--measure-crops", type=Path, help="crops to calibrate and measure on, where the segmenter has changed since those that are trained on")
    parser.add_argument("--out", type=Path, required=True, help="folder of graph and card")
    parser.add_argument("--work", type=Path, default=Path("work"), help="checkpoints, crops, tables (default work)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--teacher-epochs", type=int, default=TEACHER.epochs, help="0: no teachers, the student learns from the labels alone")
    parser.add_argument("--student-epochs", type=int, default=STUDENT.epochs)
    return parser.parse_args()


def folds_of(cells, rows, seed):
    """A fold for each row, whole groups together, groups spread so that folds have like numbers of cells."""
    random = np.random.default_rng(seed)
    names, sizes = np.unique(cells.group[rows], return_counts=True)
    place, load = {}, np.zeros(FOLDS)
    for i in sorted(range(len(names)), key=lambda i: (-sizes[i], random.random())):
        place[names[i]] = int(load.argmin())
        load[place[names[i]]] += sizes[i]
    return np.array([place[group] for group in cells.group[rows]])


def epoch_cells(labeled, labels_of, healthy, unlabeled):
    """A function that gives the cells of an epoch in random order."""
    repeated = np.repeat(labeled[labels_of == labels.SCHISTOCYTE], SCHISTOCYTE_REPEATS - 1)

    def draw(random, _epoch):
        extra = random.choice(unlabeled, min(UNLABELED_PER_EPOCH, len(unlabeled)), replace=False) if len(unlabeled) else []
        return random.permutation(np.concatenate([labeled, repeated, healthy, extra]).astype(int))

    return draw


def val_line(cells, logits, rows):
    """The figures that are watched while training, on labeled val cells and healthy val objects."""
    label = cells.label[rows]
    known = label >= 0
    score = objective.schistocyte_score(logits).numpy()
    positive = label[known] == labels.SCHISTOCYTE
    at, threshold = figures.sensitivity_at(score[known], positive, 0.995)
    macro = figures.macro_f1(logits[:, : objective.CLASS_COUNT].argmax(1).numpy()[known], label[known], objective.CLASS_COUNT)
    shares = []
    for source in ("pbc", "raabin", "cbc"):
        here = cells.source[rows] == source
        if here.any() and threshold is not None:
            shares.append(f"{source} {100 * (score[here] >= threshold).mean():.2f} %")
    return (
        f"AUC {figures.auc(score[known], positive):.4f} AP {figures.average_precision(score[known], positive):.4f} "
        f"sensitivity at 0.995 {at:.3f} macro F1 {macro:.3f}; called there: {', '.join(shares)}"
    )


def calibrated(cells, logits):
    """Probabilities and operating points, from the val parts alone."""
    val = (cells.part == "val") & cells.counted()
    healthy = val & cells.healthy
    fitted = calibrate.fit_probabilities(logits[val], cells.label[val], healthy[val])
    red = calibrate.red_cell_probability(logits)
    red_point = calibrate.red_cell_point(red[val], cells.red[val])
    counted = val & (red >= red_point)
    probability = fitted.schistocyte_probability(logits)
    negatives = [
        (
            counted & (cells.label >= 0) & (cells.label != labels.SCHISTOCYTE),
            1 - calibrate.LEAST_SPECIFICITY,
        )
    ]
    negatives += [(counted & (cells.source == source), share) for source, share in calibrate.LIMITS.items()]
    used = np.flatnonzero(counted)
    point = calibrate.operating_point(probability[used], [(mask[used], share) for mask, share in negatives])
    return replace(fitted, red_cell_point=red_point, point=point)


def main():
    """The steps of the module text, in order."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    work = asked.work
    work.mkdir(parents=True, exist_ok=True)
    crop_folder = asked.crops or work / "crops"
    if asked.binary is not None:
        crop_folder.mkdir(parents=True, exist_ok=True)
        prepare.export_crops(asked.binary, asked.data, crop_folder)
    cells = prepare.load_cells(asked.data, crop_folder)
    print(prepare.describe(cells), flush=True)
    digest = cells.digest()
    low_precision = bool(torch.cpu._is_avx512_bf16_supported())

    counted, train = cells.counted(), cells.part == "train"
    labeled = np.flatnonzero(train & counted & (cells.label >= 0))
    healthy = np.flatnonzero(train & cells.healthy & (cells.kind != "frame_edge"))
    unlabeled = np.flatnonzero(train & counted & ~cells.healthy & (cells.label < 0))
    val = np.flatnonzero((cells.part == "val") & counted)
    targets = fit.Targets(cells.label, np.ones(len(cells.label)), cells.healthy, cells.red)

    def watch(name, every):
        def report(epoch, mean, line):
            if (epoch + 1) % every == 0:
                line = f"{line}; {val_line(cells, fit.predict(mean, cells.crops[val]), val)}"
            print(f"{name} {line}", flush=True)

        return report

    if asked.teacher_epochs > 0:
        trust, soft = taught(asked, cells, targets, labeled, healthy, unlabeled, work, digest, low_precision, watch)
        weights = STUDENT.weights
    else:
        trust, soft = np.ones(len(labeled)), None
        weights = objective.Weights(healthy=STUDENT.weights.healthy)
    all_trust = np.ones(len(cells.label))
    all_trust[labeled] = trust
    all_trust[cells.source == "synth"] = DRAWN_TRUST
    plan = replace(STUDENT, weights=weights, seed=asked.seed + 100, epochs=asked.student_epochs, low_precision=low_precision)
    model = fit.fit(
        network.student,
        cells.crops,
        replace(targets, trust=all_trust, soft=soft),
        epoch_cells(labeled, cells.label[labeled], healthy, unlabeled if soft is not None else unlabeled[:0]),
        plan,
        work / "student.pt",
        f"{digest} {plan}",
        watch("student", 3),
    )
    trained = training_of(cells, labeled, unlabeled, asked.seed, asked.teacher_epochs > 0)
    if asked.measure_crops is not None:
        cells = prepare.load_cells(asked.data, asked.measure_crops)
        print(prepare.describe(cells), flush=True)
        val = np.flatnonzero((cells.part == "val") & cells.counted())
    logits = fit.predict(model, cells.crops)
    calibration = calibrated(cells, logits)
    answers = table.Answers(
        calibration.class_probability(logits),
        calibration.schistocyte_probability(logits),
        calibrate.red_cell_probability(logits),
        calibration.point,
        calibration.red_cell_point,
    )
    measured = table.measure(cells, answers, ("val", "test"))
    (work / "figures.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2), flush=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    graph = asked.out / f"{NAME}.onnx"
    sha256 = export.write_graph(model, calibration, graph, to_input(cells.crops[val[: 16 * 20]]))
    export.write_card(
        asked.out / f"{NAME}.card.json",
        NAME,
        VERSION,
        sha256,
        UM_PER_PX,
        calibration,
        performance_of(measured),
        trained,
        LIMITS_TEXT,
    )
    print(f"{graph} {sha256}", flush=True)


def taught(asked, cells, targets, labeled, healthy, unlabeled, work, digest, low_precision, watch):
    """Trust in each label and soft targets for every cell, from cross-fitted teachers."""
    fold = folds_of(cells, labeled, asked.seed)
    everything = np.concatenate([labeled, healthy, unlabeled])
    summed = torch.zeros(len(everything), network.OUTPUTS)
    out_of_fold = np.zeros((len(labeled), objective.CLASS_COUNT))
    for k in range(FOLDS):
        plan = replace(TEACHER, seed=asked.seed + k, epochs=asked.teacher_epochs, low_precision=low_precision)
        kept = labeled[fold != k]
        draw = epoch_cells(kept, cells.label[kept], healthy, unlabeled[:0])
        identity = f"{digest} {plan}"
        model = fit.fit(
            network.teacher, cells.crops, targets, draw, plan, work / f"teacher-{k}.pt", identity, watch(f"teacher {k}", 4)
        )
        logits = fit.predict(model, cells.crops[everything], TEACHER_VIEWS)
        summed += torch.cat([torch.softmax(logits[:, : objective.CLASS_COUNT], 1), torch.sigmoid(logits[:, objective.CLASS_COUNT :])], 1)
        away = fold == k
        out_of_fold[away] = torch.softmax(logits[: len(labeled)][away][:, : objective.CLASS_COUNT], 1).numpy()

    trust, read = noise.trust(out_of_fold, cells.label[labeled])
    doubted = noise.write_table(work / "doubted-labels.csv", cells, labeled, out_of_fold, cells.label[labeled], read)
    print(f"doubted labels {doubted} of {len(labeled)}", flush=True)

    soft = np.zeros((len(cells.label), network.OUTPUTS), np.float32)
    soft[everything] = (summed / FOLDS).numpy()
    # What the teachers still call schistocyte in a healthy film is not passed on.
    soft[cells.healthy, labels.SCHISTOCYTE] = 0
    soft[:, : objective.CLASS_COUNT] /= np.maximum(soft[:, : objective.CLASS_COUNT].sum(1, keepdims=True), 1e-6)
    return trust, soft


LIMITS_TEXT = (
    "Schistocytes were learned from one laboratory and camera (Chula RBC-12, 1000x) whose labels were set by few readers; "
    "helmets, keratocytes and microspherocytes are not told apart. Teardrop, burr and uncategorised cells are the usual "
    "false positives. Not made for tissue, bone marrow, unstained or thick films, or for cells under about 20 px."
)


def performance_of(measured):
    """The card's performance from the figures on counted cells."""
    chula = measured["chula_val"]
    called = sum(measured[f"{source}_test"]["called_schistocyte"] for source in ("pbc", "raabin", "cbc"))
    cells = sum(measured[f"{source}_test"]["counted_cells"] for source in ("pbc", "raabin", "cbc"))
    floor = figures.wilson(called, cells)
    return {
        "sensitivity": round(chula["sensitivity"][0], 4),
        "sensitivity_cells": chula["sensitivity_cells"],
        "specificity": round(chula["specificity"][0], 5),
        "specificity_cells": chula["specificity_cells"],
        "measured_on": "chula-rbc-12 val, counted cells that carry a point",
        "false_positive_floor": None
        if floor is None
        else {
            "percent": round(100 * floor[0], 4),
            "low": round(100 * floor[1], 4),
            "high": round(100 * floor[2], 4),
            "cells": cells,
            "measured_on": "test parts of txl-pbc/pbc, txl-pbc/raabin and cbc (SHA-1 of the file name modulo 5 is 0)",
        },
    }


def training_of(cells, labeled, unlabeled, seed, has_teachers):
    """The card's account of data and procedure."""

    def used(source):
        return int(((cells.source == source) & (cells.part == "train") & (cells.kind != "frame_edge")).sum())

    negatives = "negatives for schistocytes (partial label); red cell against other objects"
    return {
        "data": [
            {"name": "chula-rbc-12 train", "licence": "MIT", "cells": int((cells.source[labeled] == "chula").sum()), "use": "thirteen classes"},
            {
                "name": "chula-rbc-12 train, cells without a point",
                "licence": "MIT",
                "cells": len(unlabeled) if has_teachers else 0,
                "use": "distillation only",
            },
            {
                "name": "specimens drawn by schistoquant synth",
                "licence": "MIT",
                "cells": int(((cells.source == "synth") & (cells.label >= 0)).sum()),
                "use": "thirteen classes, at a third of a real cell's weight",
            },
            {"name": "cbc train part", "licence": "MIT", "cells": used("cbc"), "use": negatives},
            {"name": "txl-pbc/pbc train part", "licence": "MIT (compilation), PBC CC BY", "cells": used("pbc"), "use": negatives},
            {"name": "txl-pbc/raabin train part", "licence": "MIT (compilation)", "cells": used("raabin"), "use": negatives},
        ],
        "seed": seed,
        "procedure": (
            "models/training/train.py: "
            + ("three cross-fitted teachers, confident learning, distillation into a " if has_teachers else "labels alone, a ")
            + "network of 185 k parameters, temperature and Platt scaling and operating point on the val parts"
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
