"""Images that lie on the device, and the batches that are drawn from them (paper, section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from nas_hpc.children.dataset import Split

SCORED_AT_ONCE = 250
"""Images; scoring then needs no more memory than a step of training."""


def whiten(pixels: Tensor) -> Tensor:
    """Bring each image to zero mean and unit variance over all its values.

    The paper whitens "all images" without saying how. This is what TensorFlow called
    ``per_image_whitening`` then, and calls ``tf.image.per_image_standardization`` now: an image of
    one colour, which has no variance, becomes zeros.

    Args:
        pixels: uint8 [n, ...].

    Returns:
        float32 of the same shape.
    """
    values = pixels.flatten(1).float()
    values -= values.mean(1, keepdim=True)
    deviation = values.square().mean(1, keepdim=True).sqrt()
    values /= deviation.clamp(min=values.shape[1] ** -0.5)
    return values.view(pixels.shape)


class Images:
    """Labelled images, resident on a device.

    Augmentation makes every image larger, ``shift`` by zeros around it and ``upsample`` by bilinear
    interpolation, and takes a window of the image's size out of it: anywhere for training, in the
    centre for scoring. ``-flip`` mirrors half of the windows that are trained on left to right.

    Args:
        split: the images.
        device: as torch names it.
        augmentation: ``training.augmentation``.
        margin: ``training.augmentation_margin``, by how much larger at each side, of the side.

    Attributes:
        pixels: [n, height, width, channels], of the dtype of the split's inputs. With the channels
            last, batches have the layout that convolutions like best.
        labels: [n].
        down, right: pixels by which images are made larger at each side; 0 without augmentation.
    """

    def __init__(
        self, split: Split, device: str, augmentation: str = "none", margin: float = 0.125
    ) -> None:
        self.enlargement, _, flip = augmentation.partition("-")
        self.flipped = flip == "flip"
        self.pixels = torch.from_numpy(split.inputs).to(device).permute(0, 2, 3, 1).contiguous()
        self.labels = torch.from_numpy(split.labels).to(device)
        self.height, self.width = self.pixels.shape[1:3]
        self.down, self.right = (
            0 if augmentation == "none" else math.ceil(side * margin)
            for side in (self.height, self.width)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Everything once, for scoring: inputs [b, channels, height, width] and labels [b]."""
        for pixels, labels in zip(
            self.pixels.split(SCORED_AT_ONCE), self.labels.split(SCORED_AT_ONCE), strict=True
        ):
            inputs = self._enlarged(pixels)[:, :, self.down : self.down + self.height]
            yield inputs[:, :, :, self.right : self.right + self.width], labels

    def epoch(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Everything once, in random order, augmented.

        The batches' sizes differ by at most one, so that none is too small for batch
        normalisation. All random numbers come from torch's global generator at the first batch.

        Yields:
            inputs [b, channels, height, width] and labels [b].
        """
        count, device = len(self), self.pixels.device
        order = torch.randperm(count).to(device)
        parts = -(-count // batch_size)
        if self.enlargement == "none":
            for chosen in order.tensor_split(parts):
                yield self._enlarged(self.pixels[chosen]), self.labels[chosen]
            return
        rows = torch.randint(2 * self.down + 1, (count, 1)) + torch.arange(self.height)
        columns = torch.randint(2 * self.right + 1, (count, 1)) + torch.arange(self.width)
        if self.flipped:
            columns = torch.where(torch.rand(count, 1) < 0.5, columns.flip(1), columns)
        rows, columns = rows.to(device)[:, :, None], columns.to(device)[:, None, :]
        each = torch.arange(batch_size, device=device)[:, None, None]
        for chosen, down, right in zip(
            order.tensor_split(parts),
            rows.tensor_split(parts),
            columns.tensor_split(parts),
            strict=True,
        ):
            larger = self._enlarged(self.pixels[chosen]).permute(0, 2, 3, 1)
            inputs = larger[each[: len(chosen)], down, right]
            yield inputs.permute(0, 3, 1, 2), self.labels[chosen]

    def _enlarged(self, pixels: Tensor) -> Tensor:
        """What networks see of the pixels [b, height, width, channels], as large as is cut from.

        Returns:
            float32 [b, channels, height + 2 * down, width + 2 * right], channels last in memory.
        """
        images = whiten(pixels) if pixels.dtype == torch.uint8 else pixels
        images = images.permute(0, 3, 1, 2)
        if self.enlargement == "shift":
            return F.pad(images, (self.right, self.right, self.down, self.down))
        if self.enlargement == "upsample":
            size = (self.height + 2 * self.down, self.width + 2 * self.right)
            return F.interpolate(images, size, mode="bilinear", align_corners=False)
        return images
