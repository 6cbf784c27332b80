"""Turns logits into probabilities that mean what they say, and sets the operating points.

In: logits of the shipped network on the val parts. Out: `Calibration`.

1. Temperature of the class probabilities: least negative log-likelihood on labeled val cells (Guo et al. 2017).
2. Schistocyte probability: sigmoid(slope * score + offset), score = log odds of the class; fitted on labeled val cells
   and healthy val objects together (Platt 1999).
3. Red cell operating point: as high as leaves 99.8 % of the known red cells, at most 0.5.
4. Schistocyte operating point: the smallest threshold at which every limit of `LIMITS` holds on the val parts.
   The test parts are never looked at here.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

import objective
from labels import SCHISTOCYTE

# Share of labeled cells of chula val that are not schistocytes and are not called so.
LEAST_SPECIFICITY = 0.995
# Greatest share of counted cells of a healthy val part that is called schistocyte.
LIMITS = {"pbc": 0.0015, "raabin": 0.003, "cbc": 0.003}
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


def fit_probabilities(logits, label, healthy):
    """Temperature, slope and offset from val cells; `label` is -1 where unknown."""
    known = torch.from_numpy(label >= 0)
    classes = logits[known][:, : objective.CLASS_COUNT]
    truth = torch.from_numpy(label[label >= 0]).long()
    log_temperature = torch.zeros(1, requires_grad=True)
    _minimize([log_temperature], lambda: torch.nn.functional.cross_entropy(classes / log_temperature.exp(), truth))

    used = known | torch.from_numpy(healthy)
    score = objective.schistocyte_score(logits[used])
    positive = torch.from_numpy(label[used.numpy()] == SCHISTOCYTE).float()
    slope, offset = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    _minimize(
        [slope, offset],
        lambda: torch.nn.functional.binary_cross_entropy_with_logits(slope * score + offset, positive),
    )
    return Calibration(float(log_temperature.detach().exp()), float(slope.detach()), float(offset.detach()))


def red_cell_point(probability, red):
    """Operating point of the red cell head."""
    known = np.sort(probability[red == 1])
    if len(known) == 0:
        return GREATEST_RED_CELL_POINT
    kept = known[math.floor((1 - RED_CELLS_KEPT) * len(known))]
    return round(float(min(GREATEST_RED_CELL_POINT, max(kept, 0.001))), 4)


def operating_point(probability, negatives):
    """Smallest threshold under which each (mask, greatest share) of `negatives` is kept.

    The threshold is put halfway between the last cell that must not be called and the next one above it, so that the
    two engines, which differ in the last digits, call the same cells.
    """
    limit = 0.0
    for mask, share in negatives:
        scores = np.sort(probability[mask])[::-1]
        allowed = math.floor(share * len(scores) + 1e-9)
        if allowed < len(scores):
            limit = max(limit, float(scores[allowed]))
    above = probability[probability > limit]
    upper = float(above.min()) if len(above) else 1.0
    return (limit + upper) / 2
