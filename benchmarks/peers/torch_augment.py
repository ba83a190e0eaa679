"""Augmentation of whole batches as PyTorch tensors: what catdog's conf/augment/ can ask for, with the same keys.

Crops are float (N, 3, size, size) in 0..255. What they do not do as catdog does: a picture is mixed with its
neighbour in the batch, and the pixels are not rounded in between.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Beta
from torch.nn import functional as F

GREY = 128
# From RGB to YIQ (NTSC, 1953): luma, and a plane of colours in which the angle is the hue.
TO_YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
TO_RGB = torch.linalg.inv(TO_YIQ)
LUMA = TO_RGB @ torch.diag(torch.tensor([1.0, 0, 0])) @ TO_YIQ
CHROMA = torch.eye(3) - LUMA
TURNED_CHROMA = TO_RGB @ torch.tensor([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ TO_YIQ


def augmented(
    pixels: Tensor, edges: Tensor, targets: Tensor, whole: int, flips: Tensor, augment: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    """Crops out of pictures, cut, coloured, covered and mixed; and their targets, mixed likewise.

    whole: edge of the crop that areas are shares of; the crops have `augment.size`, or this.
    pixels: uint8 (N, 3, canvas, canvas), each picture in the upper left corner. edges: its height and width, (N, 2).
    flips: 1 mirrors a picture, else 0. targets: (N, classes).
    """
    size = augment["size"] or whole
    crops = cut(pixels, edges, whole, size, flips, augment)
    if any(augment[key] for key in ("brightness", "contrast", "saturation", "hue")):
        crops = coloured(crops, augment)
    if hole := round(augment["cutout"] * size):
        crops = crops.masked_fill(boxes(torch.full((len(crops),), hole), size), GREY)
    return mixed(crops, targets, augment) if augment["mixup"] or augment["cutmix"] else (crops, targets)


def cut(pixels: Tensor, edges: Tensor, whole: int, size: int, flips: Tensor, augment: dict[str, Any]) -> Tensor:
    """Of random area, aspect, angle and place, by one bilinear sampling; beyond its border a picture is mirrored."""

    def between(low: float, high: float) -> Tensor:
        return torch.empty(len(pixels), 1, 1).uniform_(low, high)

    area, aspect = between(*augment["scale"]), between(*map(math.log, augment["aspect"])).exp()
    tall, wide = (area / aspect).sqrt() * whole / size, (area * aspect).sqrt() * whole / size
    angle = between(-1, 1) * math.radians(augment["rotation"])
    down = (torch.arange(size) - (size - 1) / 2)[:, None]
    across = down.T * (1 - 2 * flips[:, None, None])
    rows = tall * angle.cos() * down + wide * angle.sin() * across
    columns = wide * angle.cos() * across - tall * angle.sin() * down
    heights, widths = edges.float().T[:, :, None, None]
    places = []
    for offsets, lengths, extents in ((columns, widths, wide * size), (rows, heights, tall * size)):
        spare = (lengths - extents).clamp(min=0) * augment["random_crop"]
        last = lengths - 1
        place = last / 2 + between(-0.5, 0.5) * (spare + 2 * augment["pad"]) + offsets
        mirrored = last - (place.remainder(2 * last) - last).abs()
        places.append((2 * mirrored + 1) / pixels.shape[3] - 1)
    return F.grid_sample(pixels.float(), torch.stack(places, -1), align_corners=False)


def coloured(crops: Tensor, augment: dict[str, Any]) -> Tensor:
    """Each with its own brightness, contrast, saturation and hue, as one matrix."""

    def change(strength: float) -> Tensor:
        return torch.empty(len(crops), 1, 1).uniform_(-strength, strength)

    brightness, contrast, saturation = (1 + change(augment[key]) for key in ("brightness", "contrast", "saturation"))
    turn = 2 * math.pi * change(augment["hue"])
    matrices = LUMA + saturation * (turn.cos() * CHROMA + turn.sin() * TURNED_CHROMA)
    pixels = crops.flatten(2)
    greys = (pixels.mean(2) @ TO_YIQ[0])[:, None, None]
    added = brightness * (1 - contrast) * greys
    return torch.baddbmm(added, brightness * contrast * matrices, pixels).clamp_(0, 255).view_as(crops)


def mixed(crops: Tensor, targets: Tensor, augment: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Mixup, CutMix, or for each picture one of the two; the larger share is its own."""
    count, size = len(crops), crops.shape[3]

    def lesser(alpha: float) -> Tensor:
        share = Beta(alpha, alpha).sample((count,))
        return torch.minimum(share, 1 - share)

    kinds = []  # how much of the neighbour is seen, by place
    if augment["mixup"]:
        kinds.append(lesser(augment["mixup"])[:, None, None, None].expand(-1, 1, size, size))
    if augment["cutmix"]:
        kinds.append(boxes((size * lesser(augment["cutmix"]).sqrt()).round(), size).float())
    other = torch.where(torch.rand(count, 1, 1, 1) < 0.5, kinds[0], kinds[-1])
    return crops.lerp(crops.roll(1, 0), other), targets.lerp(targets.roll(1, 0), other.mean((2, 3)))


def boxes(edges: Tensor, size: int) -> Tensor:
    """True within a crop anywhere in each picture, (N, 1, size, size). edges: of these crops, pixels, (N,)."""
    at, within = torch.arange(size), []
    for _ in range(2):
        first = (torch.rand(len(edges)) * (size - edges + 1)).floor()
        within.append((at >= first[:, None]) & (at < (first + edges)[:, None]))
    return (within[0][:, :, None] & within[1][:, None, :])[:, None]
