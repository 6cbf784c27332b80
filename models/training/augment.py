"""Random changes of a batch of crops, far beyond what one set of photographs shows.

In: uint8 [B, 96, 96, 3], RGB, background 240, cell at the center, 0.1875 um/px. Out: float32 [B, 3, 64, 64], -1 to 1.

Order: 1. rotation, flip, scale, shift, slight stretch; 2. optical density; 3. a dimmed neighbor from another crop of
the batch; 4. stain (gain, hue mix, gamma, the stain of another crop, gray); 5. back to intensity with a residual tint
and a gradient of the background; 6. defocus or sharpening; 7. loss of resolution; 8. noise; 9. JPEG.

METHOD: schistocytes come from one camera and the negatives of healthy people from others. Steps 4 to 9 are wide so
that the camera cannot be told from the picture; otherwise the network learns "this camera, no schistocyte".
METHOD: nothing is cut out of a cell (no random erasing): a piece missing from a red cell is what a helmet is.
Limits: the sizes that name a class (macrocyte, microcyte, normal) keep their scale within 8 %.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.nn import functional

BACKGROUND = 240.0
CROP_PX = 96
INPUT_PX = 64
# Optical density of each 8-bit value against the background.
DENSITY = -np.log(np.maximum(np.arange(256), 1) / BACKGROUND).astype(np.float32)
# Neighbors are dimmed to this share of their contrast in the crops (model card: neighbor_dimming).
NEIGHBOR_DIMMING = 0.3


@dataclass(frozen=True)
class Strength:
    """How far each change goes; probabilities 0 to 1, lengths in px of 0.1875 um, the rest as factors."""

    scale: float = 1.22
    scale_where_size_is_class: float = 1.08
    shift_px: float = 4.0
    stretch: float = 0.03
    neighbor_probability: float = 0.25
    gain_sd: float = 0.22
    channel_gain_sd: float = 0.12
    mix_sd: float = 0.06
    gamma_sd: float = 0.15
    transfer_probability: float = 0.35
    gray_probability: float = 0.04
    tint_sd: float = 0.02
    blur_probability: float = 0.45
    blur_sigma_px: float = 1.7
    sharpen_probability: float = 0.2
    resample_probability: float = 0.2
    noise_probability: float = 0.5
    noise_sd: float = 6.0
    jpeg_probability: float = 0.25


def to_input(crops):
    """The same pixels that the program gives to the graph: the central 64x64, scaled to -1..1."""
    margin = (CROP_PX - INPUT_PX) // 2
    center = crops[:, margin : margin + INPUT_PX, margin : margin + INPUT_PX]
    return torch.from_numpy(np.ascontiguousarray(center)).permute(0, 3, 1, 2).float() / 127.5 - 1


class Augmenter:
    """Seeded; one call changes one batch."""

    def __init__(self, seed, strength=None):
        self.random = torch.Generator().manual_seed(seed)
        self.strength = strength or Strength()

    def __call__(self, crops, size_is_class):
        """`size_is_class`: bool [B], cells whose class is a matter of size."""
        density = self._warp(crops, size_is_class)
        density = self._neighbor(density)
        density = self._stain(density)
        values = self._expose(density)
        values = self._focus(values)
        values = self._resample(values)
        values = self._noise(values)
        values = self._jpeg(values.clamp(0, 255))
        return values / 127.5 - 1

    def _uniform(self, count, low, high):
        return torch.rand(count, generator=self.random) * (high - low) + low

    def _normal(self, *shape):
        return torch.randn(*shape, generator=self.random)

    def _some(self, count, probability):
        return torch.rand(count, generator=self.random) < probability

    def _warp(self, crops, size_is_class):
        """Optical density [B, 3, 64, 64] of the moved crops, in one resampling of the 8-bit pixels."""
        strength = self.strength
        count = len(crops)
        limit = np.where(size_is_class, math.log(strength.scale_where_size_is_class), math.log(strength.scale))
        zoom = np.exp(self._uniform(count, -1, 1).numpy() * limit)
        stretch = np.exp(self._uniform(count, -1, 1).numpy() * strength.stretch)
        angle = self._uniform(count, 0, 2 * math.pi).numpy()
        flip = np.where(self._some(count, 0.5).numpy(), -1.0, 1.0)
        shift = self._uniform(2 * count, -1, 1).view(count, 2).numpy() * strength.shift_px
        cos, sin = np.cos(angle), np.sin(angle)
        # Rows map a pixel of the output to one of the crop; both centers coincide before the shift.
        linear = np.empty((count, 2, 2))
        linear[:, 0, 0] = stretch * cos * flip / zoom
        linear[:, 0, 1] = -sin / stretch / zoom
        linear[:, 1, 0] = stretch * sin * flip / zoom
        linear[:, 1, 1] = cos / stretch / zoom
        middle = (INPUT_PX - 1) / 2
        offset = (CROP_PX - 1) / 2 + shift - linear.sum(2) * middle
        matrix = np.concatenate([linear, offset[:, :, None]], 2)
        moved = np.empty((count, INPUT_PX, INPUT_PX, 3), np.uint8)
        for index in range(count):
            cv2.warpAffine(
                crops[index],
                matrix[index],
                (INPUT_PX, INPUT_PX),
                dst=moved[index],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderValue=(BACKGROUND,) * 3,
            )
        return torch.from_numpy(DENSITY[np.ascontiguousarray(moved.transpose(0, 3, 1, 2))])

    def _neighbor(self, density):
        chosen = self._some(len(density), self.strength.neighbor_probability).nonzero().flatten()
        if len(chosen) == 0:
            return density
        other = density[torch.randperm(len(density), generator=self.random)[: len(chosen)]]
        distance = self._uniform(len(chosen), 28, 46) * 2 / INPUT_PX
        angle = self._uniform(len(chosen), 0, 2 * math.pi)
        move = torch.eye(2).expand(len(chosen), 2, 2)
        shift = torch.stack([distance * torch.cos(angle), distance * torch.sin(angle)], 1).unsqueeze(2)
        grid = functional.affine_grid(torch.cat([move, shift], 2), list(other.shape), align_corners=False)
        other = functional.grid_sample(other, grid, padding_mode="zeros", align_corners=False)
        dimming = self._uniform(len(chosen), 0.7, 1.3).view(-1, 1, 1, 1) * NEIGHBOR_DIMMING
        density[chosen] = torch.maximum(density[chosen], other * dimming)
        return density

    def _stain(self, density):
        strength = self.strength
        count = len(density)
        mean = density.clamp(min=0).mean((2, 3)) + 0.01
        partner = mean[torch.randperm(count, generator=self.random)]
        use = self._some(count, strength.transfer_probability).view(-1, 1)
        gain = torch.where(use, (partner / mean).clamp(0.45, 2.2), torch.ones_like(mean))
        gain = gain * torch.exp(self._normal(count, 1) * strength.gain_sd + self._normal(count, 3) * strength.channel_gain_sd)
        mix = torch.eye(3) + self._normal(count, 3, 3) * strength.mix_sd
        density = torch.bmm(mix * gain.unsqueeze(1), density.flatten(2)).view_as(density)
        # Gamma about a density of 0.4, that of a typical red cell in green.
        gamma = torch.exp(self._normal(count) * strength.gamma_sd).view(-1, 1, 1, 1)
        density = density.sign() * (density.abs() / 0.4 + 1e-6) ** gamma * 0.4
        gray = self._some(count, strength.gray_probability).view(-1, 1, 1, 1)
        return torch.where(gray, density.mean(1, keepdim=True), density)

    def _expose(self, density):
        count = len(density)
        line = torch.linspace(-1, 1, INPUT_PX)
        slope = self._normal(count, 2, 1, 1) * 0.015
        gradient = slope[:, :1] * line.view(1, 1, 1, -1) + slope[:, 1:] * line.view(1, 1, -1, 1)
        tint = 1 + self._normal(count, 3, 1, 1) * self.strength.tint_sd
        return BACKGROUND * torch.exp(-density.clamp(-0.3, 4)) * (tint + gradient)

    def _focus(self, values):
        strength = self.strength
        count = len(values)
        draw = torch.rand(count, generator=self.random)
        sharpen = draw < strength.sharpen_probability
        blur = draw > 1 - strength.blur_probability
        sigma = torch.where(blur, self._uniform(count, 0.3, strength.blur_sigma_px), torch.full((count,), 1.0))
        amount = torch.where(blur, -1.0, torch.where(sharpen, self._uniform(count, 0.2, 1.4), 0.0))
        chosen = (amount != 0).nonzero().flatten()
        if len(chosen) == 0:
            return values
        soft = self._gaussian(values[chosen], sigma[chosen])
        values[chosen] += amount[chosen].view(-1, 1, 1, 1) * (values[chosen] - soft)
        return values

    @staticmethod
    def _gaussian(values, sigma, reach=4):
        """Another width for each picture of the batch, as two grouped convolutions."""
        offset = torch.arange(-reach, reach + 1).float()
        kernel = torch.exp(-0.5 * (offset / sigma.view(-1, 1)) ** 2)
        kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(values.shape[1], 0)
        flat = functional.pad(values.flatten(0, 1).unsqueeze(0), (reach,) * 4, mode="reflect")
        flat = functional.conv2d(flat, kernel.view(-1, 1, 1, 2 * reach + 1), groups=len(kernel))
        flat = functional.conv2d(flat, kernel.view(-1, 1, 2 * reach + 1, 1), groups=len(kernel))
        return flat.view_as(values)

    def _resample(self, values):
        chosen = self._some(len(values), self.strength.resample_probability).nonzero().flatten()
        if len(chosen) == 0:
            return values
        size = int(self._uniform(1, 0.42, 0.8).item() * INPUT_PX)
        small = functional.interpolate(values[chosen], size=(size, size), mode="bilinear", antialias=True)
        values[chosen] = functional.interpolate(small, size=(INPUT_PX, INPUT_PX), mode="bicubic")
        return values

    def _noise(self, values):
        chosen = self._some(len(values), self.strength.noise_probability).nonzero().flatten()
        level = self._uniform(len(chosen), 0, self.strength.noise_sd).view(-1, 1, 1, 1)
        values[chosen] += level * self._normal(len(chosen), *values.shape[1:])
        return values

    def _jpeg(self, values):
        chosen = self._some(len(values), self.strength.jpeg_probability).nonzero().flatten()
        quality = self._uniform(len(chosen), 35, 92)
        for index, level in zip(chosen.tolist(), quality.tolist()):
            picture = values[index].permute(1, 2, 0).to(torch.uint8).numpy()
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(level)])[1]
            values[index] = torch.from_numpy(cv2.imdecode(coded, cv2.IMREAD_COLOR)).permute(2, 0, 1).float()
        return values
