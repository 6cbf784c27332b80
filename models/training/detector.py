"""The detector: where the cells of a field are, as a small fully convolutional network.

In: float32 [1, 3, H, W], RGB, -1 to 1, background 240 / 127.5 - 1, `scenes.UM_PER_PX`, H and W multiples of 16. Out:
[1, 7, H / 4, W / 4]: the probability that a cell has its center there (red cell, white cell, platelet), then the
distances from the middle of the grid cell to the left, top, right and bottom of its box, in px of the input.

Method: objects as points (Zhou et al. 2019, arXiv 1904.07850) with the focal loss given there; boxes by the
generalized IoU (Rezatofighi et al. 2019, 10.1109/CVPR.2019.00075). METHOD: convolutions, transposed convolutions and
sums only, so that both engines run it and its input size can be set when it is opened.

Limits: two cells whose centers fall into neighboring grid cells (4 px, a sixth of a cell diameter) are one.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from network import convolution
from scenes import CELL_PX, KINDS, STRIDE

HEATS = len(KINDS)
WIDTHS = (16, 32, 48, 64)
# Spread of a center's heat as a share of the side of its box, and its least value in grid cells.
SPREAD_SHARE = 0.14
LEAST_SPREAD = 0.6
# Heat of the target from which a grid cell answers for the box too.
BOX_HEAT = 0.4
# Probability of a center before anything is learned.
PRIOR = 0.02
BOX_WEIGHT = 1.0
# Weight of the centers against the sides in what is learned from a teacher.
CENTER_LIKENESS = 4.0


class Detector(nn.Module):
    """Encoder to a sixteenth, decoder to an eighth; each place of it answers for the four grid cells of a quarter.

    METHOD: nothing but the way down is worked out at a quarter, where one convolution costs as much as four at an eighth.
    """

    def __init__(self):
        super().__init__()
        a, b, c, d = WIDTHS
        self.quarter = nn.Sequential(convolution(3, a, stride=2), convolution(a, b, stride=2))
        self.eighth = nn.Sequential(convolution(b, c, stride=2), convolution(c, c))
        self.sixteenth = nn.Sequential(convolution(c, d, stride=2), convolution(d, d), convolution(d, d))
        self.up_eighth = nn.ConvTranspose2d(d, c, 2, 2)
        self.join_eighth = convolution(c, c)
        self.head = nn.ConvTranspose2d(c, HEATS + 4, 2, 2)
        with torch.no_grad():
            self.head.bias[:HEATS] = math.log(PRIOR / (1 - PRIOR))
            self.head.bias[HEATS:] = 1.0

    def forward(self, x):
        """Logits of the heats and distances in px, [B, 7, H / 4, W / 4]."""
        eighth = self.eighth(self.quarter(x))
        eighth = self.join_eighth(eighth + self.up_eighth(self.sixteenth(eighth)))
        answer = self.head(eighth)
        # Half a cell is the unit of a distance.
        return torch.cat([answer[:, :HEATS], functional.relu(answer[:, HEATS:]) * (CELL_PX / 2)], 1)


class Shipped(nn.Module):
    """What is exported: probabilities in place of logits."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, x):
        """[1, 7, H / 4, W / 4]."""
        answer = self.detector(x)
        return torch.cat([torch.sigmoid(answer[:, :HEATS]), answer[:, HEATS:]], 1)


def target(boxes, kinds, ignored):
    """Heats [3, h, w], distances [4, h, w], weight of the distances [h, w], known [h, w], of one tile."""
    h, w = ignored.shape[0] // STRIDE, ignored.shape[1] // STRIDE
    heat = np.zeros((HEATS, h, w), np.float32)
    distance = np.zeros((4, h, w), np.float32)
    strongest = np.zeros((h, w), np.float32)
    ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
    middle_x, middle_y = (xs + 0.5) * STRIDE, (ys + 0.5) * STRIDE
    for (x0, y0, x1, y1), kind in zip(boxes, kinds):
        cx, cy = (x0 + x1) / 2 / STRIDE - 0.5, (y0 + y1) / 2 / STRIDE - 0.5
        sx = max(SPREAD_SHARE * (x1 - x0) / STRIDE, LEAST_SPREAD)
        sy = max(SPREAD_SHARE * (y1 - y0) / STRIDE, LEAST_SPREAD)
        value = np.exp(-(((xs - cx) / sx) ** 2 + ((ys - cy) / sy) ** 2) / 2)
        peak = (int(np.clip(round(cy), 0, h - 1)), int(np.clip(round(cx), 0, w - 1)))
        value[peak] = 1
        np.maximum(heat[kind], value, out=heat[kind])
        owns = (value > BOX_HEAT) & (value > strongest)
        strongest[owns] = value[owns]
        for index, side in enumerate((middle_x - x0, middle_y - y0, x1 - middle_x, y1 - middle_y)):
            distance[index][owns] = side[owns]
    known = 1 - ignored.reshape(h, STRIDE, w, STRIDE).any((1, 3)).astype(np.float32)
    return heat, distance.clip(0), strongest, known


def loss(answer, heat, distance, weight, known):
    """Focal loss of the centers plus generalized IoU loss of the boxes, per object."""
    logit = answer[:, :HEATS]
    probability = torch.sigmoid(logit).clamp(1e-5, 1 - 1e-5)
    peak = (heat >= 0.999).float()
    positive = -peak * (1 - probability) ** 2 * torch.log(probability)
    negative = -(1 - peak) * (1 - heat) ** 4 * probability**2 * torch.log(1 - probability)
    count = (peak * known.unsqueeze(1)).sum().clamp(min=1)
    centers = ((positive + negative) * known.unsqueeze(1)).sum() / count
    found, wanted = answer[:, HEATS:], distance
    weight = weight * known
    area = lambda d: (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])
    low, high = torch.minimum(found, wanted), torch.maximum(found, wanted)
    overlap = area(low)
    union = area(found) + area(wanted) - overlap
    around = area(high)
    giou = overlap / (union + 1e-3) - (around - union) / (around + 1e-3)
    size = (found - wanted).abs().mean(1) / CELL_PX
    boxes = ((1 - giou + size) * weight).sum() / weight.sum().clamp(min=1)
    return centers + BOX_WEIGHT * boxes


def likeness_loss(answer, teacher):
    """How far an answer [B, 7, h, w] is from the teacher's probabilities and distances, per object that the teacher sees.

    Source: the quality focal loss of Li et al. 2020 (arXiv 2006.04388) for the centers; distances count where the teacher
    sees a center.
    """
    logit, wanted = answer[:, :HEATS], teacher[:, :HEATS]
    gap = (torch.sigmoid(logit) - wanted).detach() ** 2
    centers = gap * functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")
    weight = wanted.amax(1)
    count = weight.sum().clamp(min=1)
    sides = ((answer[:, HEATS:] - teacher[:, HEATS:]).abs().mean(1) / CELL_PX * weight).sum()
    return (centers.sum() * CENTER_LIKENESS + sides) / count


def decode(answer, threshold, overlap=0.6):
    """Boxes [N, 4], kinds and probabilities of one field from probabilities and distances [7, h, w]."""
    answer = torch.as_tensor(answer)
    heat = answer[:HEATS]
    top = functional.max_pool2d(heat.unsqueeze(0), 3, 1, 1)[0]
    keep = (heat == top) & (heat >= threshold)
    kind, y, x = keep.nonzero(as_tuple=True)
    score = heat[kind, y, x]
    middle = torch.stack([(x + 0.5) * STRIDE, (y + 0.5) * STRIDE], 1)
    d = answer[HEATS:, y, x].T
    boxes = torch.cat([middle - d[:, :2], middle + d[:, 2:]], 1).numpy()
    order = np.argsort(-score.numpy(), kind="stable")
    kept = []
    for i in order:
        if all(iou(boxes[i], boxes[j]) < overlap for j in kept):
            kept.append(i)
    return boxes[kept], kind.numpy()[kept], score.numpy()[kept]


def iou(a, b):
    """Overlap of two boxes, 0 to 1."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    shared = w * h
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
