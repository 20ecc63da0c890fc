"""Images that lie on the device, and the batches that are drawn from them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from nas_hpc.children.dataset import Split

SCORED_AT_ONCE = 250
"""Images; scoring then needs no more memory than a step of training."""


class Images:
    """Labelled images, resident on a device.

    Args:
        split: the images.
        device: as torch names it.
        augmentation: how `epoch` changes them, ``training.augmentation``; ``none`` for scoring.

    Attributes:
        pixels: [n, height + 2 * down, width + 2 * right, channels], the images among zeros. With
            the channels last, batches cut out of it have the layout that convolutions like best.
        labels: [n].
        down, right: by how many pixels images may be shifted: an eighth of the side, rounded up.
    """

    def __init__(self, split: Split, device: str, augmentation: str = "none") -> None:
        self.augmentation = augmentation
        images = torch.from_numpy(split.inputs).to(device)
        self.height, self.width = images.shape[2:]
        self.down, self.right = (
            0 if augmentation == "none" else -(-side // 8) for side in images.shape[2:]
        )
        padded = F.pad(images, (self.right, self.right, self.down, self.down))
        self.pixels = padded.permute(0, 2, 3, 1).contiguous()
        self.labels = torch.from_numpy(split.labels).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Everything once, for scoring: inputs [b, channels, height, width] and labels [b]."""
        pixels = self.pixels[:, self.down : self.down + self.height]
        pixels = pixels[:, :, self.right : self.right + self.width]
        for inputs, labels in zip(
            pixels.split(SCORED_AT_ONCE), self.labels.split(SCORED_AT_ONCE), strict=True
        ):
            yield inputs.permute(0, 3, 1, 2), labels

    def epoch(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Everything once, in random order, each shifted and mirrored as asked.

        The batches' sizes differ by at most one, so that none is too small for batch
        normalisation. All random numbers come from torch's global generator at the first batch.

        Yields:
            inputs [b, channels, height, width] and labels [b].
        """
        count, device = len(self), self.pixels.device
        order = torch.randperm(count).to(device)
        parts = -(-count // batch_size)
        if self.augmentation == "none":
            for chosen in order.tensor_split(parts):
                yield self.pixels[chosen].permute(0, 3, 1, 2), self.labels[chosen]
            return
        rows = torch.randint(2 * self.down + 1, (count, 1)) + torch.arange(self.height)
        columns = torch.randint(2 * self.right + 1, (count, 1)) + torch.arange(self.width)
        if self.augmentation == "shift-flip":
            columns = torch.where(torch.rand(count, 1) < 0.5, columns.flip(1), columns)
        rows, columns = rows.to(device)[:, :, None], columns.to(device)[:, None, :]
        for chosen, down, right in zip(
            order.tensor_split(parts),
            rows.tensor_split(parts),
            columns.tensor_split(parts),
            strict=True,
        ):
            inputs = self.pixels[chosen[:, None, None], down, right]
            yield inputs.permute(0, 3, 1, 2), self.labels[chosen]
