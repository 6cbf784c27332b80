"""Trains one network: AdamW, one warm-up and cosine cycle, averaged weights, a checkpoint each epoch.

In: crops and targets in memory. Out: the averaged network (exponential moving average of weights and batch norms).
Same seed, data, threads and library versions give the same weights; a run that was stopped goes on from its last epoch
with the same random numbers.
"""

import copy
import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch

import objective
from augment import Augmenter, Strength, to_input
from labels import CLASSES, SCHISTOCYTE

# Classes whose meaning is a size: scaling them far would make their label wrong.
SIZE_CLASSES = [CLASSES.index(name) for name in ("normal", "macrocyte", "microcyte")]


@dataclass(frozen=True)
class Plan:
    """One training run."""

    seed: int
    epochs: int
    batch: int = 128
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.03
    warmup: float = 0.06
    average_decay: float = 0.998
    weights: objective.Weights = field(default_factory=objective.Weights)
    strength: Strength = field(default_factory=Strength)
    low_precision: bool = False


@dataclass
class Targets:
    """What is known of each cell, as arrays of length N."""

    label: np.ndarray
    trust: np.ndarray
    healthy: np.ndarray
    read: np.ndarray
    red: np.ndarray

    def batch(self, index):
        """The targets of some cells as tensors."""
        return {
            "label": torch.from_numpy(self.label[index]).long(),
            "trust": torch.from_numpy(self.trust[index]).float(),
            "healthy": torch.from_numpy(self.healthy[index]),
            "read": torch.from_numpy(self.read[index]).float(),
            "red": torch.from_numpy(self.red[index]).long(),
        }


def _rate(step, steps, plan):
    """Learning rate of one step."""
    rise = max(1, int(steps * plan.warmup))
    if step < rise:
        return plan.learning_rate * (step + 1) / rise
    return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def average(mean, network, decay):
    with torch.no_grad():
        for kept, new in zip(mean.state_dict().values(), network.state_dict().values()):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)


@torch.no_grad()
def taught(teacher, x, healthy):
    """The teacher's probabilities [B, 14] for the very pixels that the student sees.

    What the teacher still calls schistocyte in a healthy film is not passed on.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_has_bfloat16()):
        logits = teacher(x)
    logits = logits.float()
    classes = torch.softmax(logits[:, : objective.CLASS_COUNT], 1)
    classes[healthy, SCHISTOCYTE] = 0
    classes = classes / classes.sum(1, keepdim=True).clamp(min=1e-6)
    return torch.cat([classes, torch.sigmoid(logits[:, objective.CLASS_COUNT :])], 1)


def _has_bfloat16():
    return bool(torch.cpu._is_avx512_bf16_supported())


def fit(make, crops, targets, draw, plan, checkpoint, identity, report, teacher=None):
    """Train `make()` on `crops`, with a `teacher` on its answers too.

    `draw(random, epoch)` gives the cells of an epoch; `checkpoint` is the file to go on from; `identity` is what a
    checkpoint must carry to be used; `report(epoch, network, line)` is called after each epoch.
    """
    torch.manual_seed(plan.seed)
    network = make().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network)
    decayed = [p for p in network.parameters() if p.dim() > 1]
    plain = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=plan.learning_rate,
    )
    augmenter = Augmenter(plan.seed + 1, plan.strength)
    random = np.random.default_rng(plan.seed + 2)
    weight_of_class = objective.class_weights(torch.from_numpy(targets.label).long(), plan.weights)
    first = 0
    if checkpoint is not None and checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=False)
        if kept["identity"] == identity:
            network.load_state_dict(kept["network"])
            mean.load_state_dict(kept["mean"])
            optimizer.load_state_dict(kept["optimizer"])
            augmenter.random.set_state(kept["augmenter"])
            torch.set_rng_state(kept["torch"])
            random.bit_generator.state = kept["random"]
            first = kept["epoch"] + 1
    per_epoch = len(draw(np.random.default_rng(0), 0)) // plan.batch
    steps = per_epoch * plan.epochs
    for epoch in range(first, plan.epochs):
        started, losses = time.time(), 0.0
        network.train()
        order = draw(random, epoch)
        for i in range(per_epoch):
            step = epoch * per_epoch + i
            index = order[i * plan.batch : (i + 1) * plan.batch]
            with torch.no_grad():
                x = augmenter(crops[index], np.isin(targets.label[index], SIZE_CLASSES))
                x = x.contiguous(memory_format=torch.channels_last)
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, steps, plan)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.low_precision and _has_bfloat16()):
                logits = network(x)
            known = targets.batch(index)
            if teacher is not None:
                known["soft"] = taught(teacher, x, known["healthy"])
            value = objective.loss(logits.float(), known, plan.weights, weight_of_class)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            # The average starts short so that the first, random weights leave it at once.
            average(mean, network, min(plan.average_decay, (step + 1) / (step + 10)))
            losses += value.item()
        if checkpoint is not None:
            state = {
                "identity": identity,
                "epoch": epoch,
                "network": network.state_dict(),
                "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(),
                "augmenter": augmenter.random.get_state(),
                "torch": torch.get_rng_state(),
                "random": random.bit_generator.state,
            }
            unfinished = checkpoint.with_suffix(".unfinished")
            torch.save(state, unfinished)
            unfinished.replace(checkpoint)
        report(epoch, mean, f"epoch {epoch + 1}/{plan.epochs} loss {losses / per_epoch:.4f} {time.time() - started:.0f} s")
    return mean.eval()


@torch.no_grad()
def predict(network, crops, views=1, batch=256):
    """Mean logits [N, 14] over `views` of the 8 flips and quarter turns; one view is the plain crop."""
    network.eval()
    parts = []
    for start in range(0, len(crops), batch):
        x = to_input(crops[start : start + batch])
        total = 0
        for view in range(views):
            seen = torch.rot90(x, view % 4, (2, 3))
            if view >= 4:
                seen = seen.flip(3)
            total = total + network(seen.contiguous(memory_format=torch.channels_last))
        parts.append(total / views)
    return torch.cat(parts) if parts else torch.zeros(0, len(CLASSES) + 1)
