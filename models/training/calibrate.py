"""Turns logits into probabilities that mean what they say, and sets the operating points.

In: logits of the shipped network on the val parts. Out: `Calibration`.

1. Temperature of the class probabilities: least negative log-likelihood on labeled val cells (Guo et al. 2017).
2. Schistocyte probability: sigmoid(slope * score + offset), score = log odds of the class; fitted on read and labeled val
   cells, each with the number of cells it stands for, and healthy val objects together (Platt 1999).
3. Red cell operating point: as high as leaves 99.8 % of the known red cells, at most 0.5.
4. Schistocyte operating point: the smallest threshold at which every healthy origin, scored by a network that never saw
   that origin, has at most `GREATEST_HEALTHY_SHARE` called, and the upper 95 % limit (Wilson) of all of them together is
   not above it either. Where no such network was trained, train.py takes the parts of the origin that were not learned
   from, which is weaker: camera and stain were.
5. Review threshold: the smallest at which at most `GREATEST_REVIEW_SHARE` of each such origin is called: what a reviewer
   could be shown beside the called cells.

METHOD: the operating point is chosen for a patient without schistocytes on a camera that was not learned, because there a
false call does harm: it turns a healthy film into a suspicious one. Specificity among the cells of sick films is stated,
not aimed at.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

import figures
import objective

# Greatest share of a healthy origin's counted cells that is called schistocyte: a quarter of ICSH's limit of 1 %.
GREATEST_HEALTHY_SHARE = 0.0025
# The same for the review threshold: at 1,000 cells ten to look at, a minute's work.
GREATEST_REVIEW_SHARE = 0.01
# Share of known red cells that the red cell operating point keeps.
RED_CELLS_KEPT = 0.998
GREATEST_RED_CELL_POINT = 0.5


@dataclass(frozen=True)
class Calibration:
    """Constants of the shipped graph and the operating points beside it."""

    temperature: float
    slope: float
    offset: float
    red_cell_point: float = 0.5
    point: float = 0.5
    review_point: float = 0.5

    def schistocyte_probability(self, logits):
        """Calibrated probability for logits [N, 14]."""
        score = objective.schistocyte_score(logits)
        return torch.sigmoid(self.slope * score + self.offset).numpy()

    def class_probability(self, logits):
        """Class probabilities [N, 13]."""
        return torch.softmax(logits[:, : objective.CLASS_COUNT] / self.temperature, 1).numpy()


def red_cell_probability(logits):
    """Probability that the object is a red cell."""
    return torch.sigmoid(logits[:, objective.CLASS_COUNT]).numpy()


def _minimize(parameters, value):
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        result = value()
        result.backward()
        return result

    optimizer.step(step)


def fit_probabilities(logits, label, truth, weight):
    """Temperature, slope and offset from val cells; `label` and `truth` (1 schistocyte, 0 none) are -1 where unknown."""
    known = torch.from_numpy(label >= 0)
    classes = logits[known][:, : objective.CLASS_COUNT]
    of_class = torch.from_numpy(label[label >= 0]).long()
    log_temperature = torch.zeros(1, requires_grad=True)
    _minimize([log_temperature], lambda: torch.nn.functional.cross_entropy(classes / log_temperature.exp(), of_class))

    used = truth >= 0
    score = objective.schistocyte_score(logits[torch.from_numpy(used)])
    positive, stands_for = (torch.from_numpy(array[used]).float() for array in (truth, weight))
    slope, offset = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    _minimize(
        [slope, offset],
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(slope * score + offset, positive, stands_for),
    )
    return Calibration(float(log_temperature.detach().exp()), float(slope.detach()), float(offset.detach()))


def red_cell_point(probability, red):
    """Operating point of the red cell head."""
    known = np.sort(probability[red == 1])
    if len(known) == 0:
        return GREATEST_RED_CELL_POINT
    kept = known[math.floor((1 - RED_CELLS_KEPT) * len(known))]
    return round(float(min(GREATEST_RED_CELL_POINT, max(kept, 0.001))), 4)


def operating_point(origins, greatest_share, pooled_limit):
    """Smallest threshold that keeps each healthy origin, and all together, below `greatest_share`.

    `origins`: for each origin the probabilities of its counted cells that the readings do not call a schistocyte (a cell that
    no reader could assess is a false call like any other), by a network that never saw it. With `pooled_limit` the upper 95 % limit of the pooled share is held too, else only each share. The
    threshold is put halfway between the last cell that must not be called and the next one above it, so that the two
    engines, which differ in the last digits, call the same cells.
    """
    limit = 0.0
    for scores in origins:
        scores = np.sort(scores)[::-1]
        allowed = math.floor(greatest_share * len(scores) + 1e-9)
        if allowed < len(scores):
            limit = max(limit, float(scores[allowed]))
    every = np.sort(np.concatenate(origins))[::-1]
    if pooled_limit:
        calls = int((every > limit).sum())
        while calls > 0 and figures.wilson(calls, len(every))[2] > greatest_share:
            calls -= 1
        limit = max(limit, float(every[calls]))
    above = every[every > limit]
    upper = float(above.min()) if len(above) else 1.0
    return (limit + upper) / 2
