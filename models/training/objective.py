"""What the network is asked to get right, cell by cell.

Five terms, each the mean over the cells it applies to:
1. class: cross-entropy with label smoothing on cells that carry a point, rare classes weighted by the square root of
   their inverse frequency;
2. healthy: -log(1 - p_schistocyte) on objects of healthy films, the partial label "any class but schistocyte";
3. red cell: binary cross-entropy on objects known to be a red cell or known not to be one;
4. readings: binary cross-entropy of p_schistocyte with the share that two blind readings gave, a soft label;
5. teacher: cross-entropy with the teacher's probabilities for the same pixels, changes of the picture included
   (Hinton et al. 2015; Beyer et al. 2022, 10.48550/arXiv.2106.05237), on every cell of the batch that nobody read.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from labels import CLASSES, SCHISTOCYTE

CLASS_COUNT = len(CLASSES)


@dataclass(frozen=True)
class Weights:
    """Weight of each term."""

    healthy: float = 1.0
    read: float = 1.0
    red_cell: float = 0.3
    teacher: float = 0.0
    label_smoothing: float = 0.05
    rare_class_power: float = 0.5
    schistocyte_factor: float = 1.0


def class_weights(label, weights):
    """Weight of each class: inverse frequency to a power, mean 1 over the cells."""
    counts = torch.bincount(label[label >= 0], minlength=CLASS_COUNT).clamp(min=1).float()
    result = (counts.sum() / counts) ** weights.rare_class_power
    result[SCHISTOCYTE] *= weights.schistocyte_factor
    return result * counts.sum() / (result * counts).sum()


def schistocyte_score(logits):
    """Log odds of schistocyte against the other twelve classes."""
    classes = logits[:, :CLASS_COUNT]
    others = torch.cat([classes[:, :SCHISTOCYTE], classes[:, SCHISTOCYTE + 1 :]], 1)
    return classes[:, SCHISTOCYTE] - torch.logsumexp(others, 1)


def loss(logits, target, weights, weight_of_class):
    """`target` holds label, trust, healthy, read, red and, where there is a teacher, soft [B, 14], all per cell."""
    classes, red = logits[:, :CLASS_COUNT], logits[:, CLASS_COUNT]
    total = logits.new_zeros(())
    known = target["label"] >= 0
    if known.any():
        label = target["label"][known]
        each = functional.cross_entropy(
            classes[known], label, label_smoothing=weights.label_smoothing, reduction="none"
        )
        share = weight_of_class[label] * target["trust"][known]
        total = total + (each * share).sum() / known.sum()
    healthy = target["healthy"]
    if healthy.any():
        # -log(1 - p) with p = sigmoid(score) is softplus(score).
        total = total + weights.healthy * functional.softplus(schistocyte_score(logits[healthy])).mean()
    read = ~torch.isnan(target["read"])
    if read.any():
        total = total + weights.read * functional.binary_cross_entropy_with_logits(
            schistocyte_score(logits[read]), target["read"][read]
        )
    sure = target["red"] >= 0
    if sure.any():
        total = total + weights.red_cell * functional.binary_cross_entropy_with_logits(
            red[sure], target["red"][sure].float()
        )
    if "soft" in target:
        soft = target["soft"][~read]
        each = -(soft[:, :CLASS_COUNT] * functional.log_softmax(classes[~read], 1)).sum(1)
        total = total + weights.teacher * each.mean()
        total = total + weights.teacher * weights.red_cell * functional.binary_cross_entropy_with_logits(
            red[~read], soft[:, CLASS_COUNT]
        )
    return total
