"""Figures that choose and describe a model.

In: scores and labels as arrays. Out: plain numbers; a figure without cells behind it is None, never 0.
AUC and average precision as in Fawcett 2006 (10.1016/j.patrec.2005.10.010); calibration error with equal-width bins
(Guo et al. 2017); intervals by Wilson 1927.
"""

import math

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

Z_95 = 1.959964
CALIBRATION_BINS = 15


def auc(score, positive, weight=None):
    """Area under the ROC curve; `weight` is the number of cells that each stands for."""
    return float(roc_auc_score(positive, score, sample_weight=weight)) if 0 < positive.sum() < len(positive) else None


def average_precision(score, positive, weight=None):
    """Average precision; `weight` as above."""
    return float(average_precision_score(positive, score, sample_weight=weight)) if positive.any() else None


def sensitivity_at(score, positive, specificity, weight=None):
    """Best sensitivity with at least this specificity, and the threshold that gives it; `weight` counts the negatives."""
    if not positive.any() or positive.all():
        return None, None
    weight = np.ones(len(score)) if weight is None else weight
    order = np.argsort(-score[~positive], kind="stable")
    negatives, passed = score[~positive][order], np.cumsum(weight[~positive][order])
    allowed = int((passed <= (1 - specificity) * passed[-1] + 1e-9).sum())
    limit = negatives[allowed] if allowed < len(negatives) else -math.inf
    above = score[positive & (score > limit)]
    threshold = float(above.min()) if len(above) else float(np.nextafter(limit, math.inf))
    return float((score[positive] > limit).mean()), threshold


def macro_f1(predicted, label, classes):
    """Mean F1 over the classes that occur in the labels."""
    present = [index for index in range(classes) if (label == index).any()]
    return float(f1_score(label, predicted, labels=present, average="macro", zero_division=0)) if present else None


def per_class_f1(predicted, label, classes):
    """F1 of each class; None where the class has no labeled cell."""
    scores = f1_score(label, predicted, labels=list(range(classes)), average=None, zero_division=0)
    return [float(scores[i]) if (label == i).any() else None for i in range(classes)]


def calibration_error(probability, positive, bins=CALIBRATION_BINS):
    """Expected calibration error of a binary probability."""
    if len(probability) == 0:
        return None
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(probability[place == b].mean() - positive[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def share(success, weight):
    """Weighted share of successes; None for no cells."""
    return float((success * weight).sum() / weight.sum()) if len(weight) else None


def wilson(successes, cells):
    """Share with its 95 % interval; None for no cells."""
    if cells == 0:
        return None
    p = successes / cells
    scale = 1 + Z_95**2 / cells
    middle = (p + Z_95**2 / (2 * cells)) / scale
    half = Z_95 / scale * math.sqrt(p * (1 - p) / cells + Z_95**2 / (4 * cells**2))
    return p, max(0.0, middle - half), min(1.0, middle + half)
