"""The networks: a small student that is shipped and wider teachers that only exist during training.

In: float32 [B, 3, 64, 64], RGB, -1 to 1, cell at the center, background 240 / 127.5 - 1. Out: logits [B, 14]: thirteen
classes, then "is a red cell".

METHOD: the student was chosen by measured time, not by its count of operations (1 thread, batch 16, the figures are in
models/README.md): plain 3x3 convolutions while the channels are few, depthwise ones from 16x16 on. In the embedded
engine depthwise layers at 32x32 cost more than they save. ReLU and average pooling only, batch normalization is folded
at export, so that both engines run the same few kinds of node.
"""

import torch
from torch import nn

from labels import CLASSES

INPUT_PX = 64
CLASS_COUNT = len(CLASSES)
OUTPUTS = CLASS_COUNT + 1


def convolution(inputs, outputs, kernel=3, stride=1, groups=1, activate=True):
    """Convolution, batch normalization, and ReLU where asked."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if activate else nn.Sequential(*layers)


class Separable(nn.Module):
    """Depthwise 3x3, then pointwise with ReLU; with a shortcut where the shape stays."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            convolution(inputs, inputs, 3, stride, groups=inputs, activate=False), convolution(inputs, outputs, 1)
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.body(x)
        return x + y if self.shortcut else y


class Residual(nn.Module):
    """Two plain 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, activate=False)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else convolution(inputs, outputs, 1, stride, activate=False)

    def forward(self, x):
        return torch.relu(self.skip(x) + self.second(self.first(x)))


class Network(nn.Module):
    """A body, the mean over what is left of the picture, one linear layer for all logits."""

    def __init__(self, body, width, dropout):
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, OUTPUTS)

    def forward(self, x):
        return self.head(self.dropout(self.body(x).mean((2, 3))))


def student():
    """About 185 k parameters; the shipped network."""
    body = nn.Sequential(
        convolution(3, 16, stride=2),
        convolution(16, 32, stride=2),
        Separable(32, 64),
        Separable(64, 64),
        convolution(64, 96, stride=2),
        Separable(96, 128),
        Separable(128, 128),
        Separable(128, 128),
        Separable(128, 192, stride=2),
        Separable(192, 192),
    )
    return Network(body, 192, dropout=0.1)


def teacher(width=48):
    """About 1.1 M parameters at the default width."""
    body = nn.Sequential(
        convolution(3, width // 2, stride=2),
        convolution(width // 2, width, stride=2),
        Residual(width, width),
        Residual(width, width),
        Residual(width, 2 * width, stride=2),
        Residual(2 * width, 2 * width),
        Residual(2 * width, 3 * width, stride=2),
        Residual(3 * width, 3 * width),
    )
    return Network(body, 3 * width, dropout=0.2)


def fold_batch_norm(network):
    """A copy in which every batch normalization is part of the convolution before it."""
    import copy

    from torch.nn.utils.fusion import fuse_conv_bn_eval

    folded = copy.deepcopy(network).eval()
    for module in list(folded.modules()):
        if isinstance(module, nn.Sequential) and len(module) >= 2 and isinstance(module[1], nn.BatchNorm2d):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return folded
