"""`build`, and the networks of the convolutional spaces (paper, sections 3.1, 3.3 and 4.1).

A network is drawn from its layers' inputs, here with layer 1 fed by layer 0, layer 2 by none::

    image ── layer_0 ── layer_1 ──┐
      └───── layer_2 ─────────────┴─ pooled ── classifier
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children.cell_network import CellNetwork
from nas_hpc.children.layers import DenseBlock, layer_of
from nas_hpc.spaces.cell import CellNet
from nas_hpc.spaces.layers import BlockNet, ConvNet
from nas_hpc.spaces.learning_rate import Tuned

IMAGE = -1
"""Stands for the image where blocks are numbered."""


@singledispatch
def build(
    architecture: object, in_channels: int, classes: int, batch_norm_epsilon: float
) -> nn.Module:
    """The network of an architecture, its weights drawn from torch's global generator.

    Chosen by the architecture's type; ``@build.register`` adds another one.

    Args:
        architecture: what to build.
        in_channels: of the images [n, in_channels, height, width] that it will be given.
        classes: it answers with logits [n, classes].
        batch_norm_epsilon: added to the variance in batch normalisation.

    Raises:
        TypeError: no network is known for this type of architecture.
    """
    raise TypeError(
        f"no network is known for a {type(architecture).__name__}; register one with "
        f"nas_hpc.children.network.build.register, or name your own child in child.name"
    )


@build.register
def _(
    architecture: ConvNet, in_channels: int, classes: int, batch_norm_epsilon: float
) -> nn.Module:
    network = SkipNetwork(architecture, in_channels, classes, batch_norm_epsilon)
    return network.to(memory_format=torch.channels_last)


@build.register
def _(
    architecture: BlockNet, in_channels: int, classes: int, batch_norm_epsilon: float
) -> nn.Module:
    network = BlockNetwork(architecture, in_channels, classes, batch_norm_epsilon)
    return network.to(memory_format=torch.channels_last)


@build.register
def _(
    architecture: CellNet, in_channels: int, classes: int, batch_norm_epsilon: float
) -> nn.Module:
    network = CellNetwork(architecture, in_channels, classes, batch_norm_epsilon)
    return network.to(memory_format=torch.channels_last)


@build.register
def _(architecture: Tuned, in_channels: int, classes: int, batch_norm_epsilon: float) -> nn.Module:
    return build(architecture.architecture, in_channels, classes, batch_norm_epsilon)


def parameters(network: nn.Module) -> int:
    """The number of trained weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


class SkipNetwork(nn.Module):
    """Layers with skip connections, and the paper's three repairs (section 3.3).

    A layer with no input takes the image; layers that feed no other are concatenated before the
    classifier; inputs of different sizes are padded with zeros to the largest. The classifier is
    the mean over all positions and one linear map.
    """

    def __init__(
        self, architecture: ConvNet, in_channels: int, classes: int, epsilon: float
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.ends = architecture.loose_ends()
        channels: list[int] = []
        for i, layer in enumerate(architecture.layers):
            given = sum(channels[j] for j in layer.inputs) or in_channels
            module, its_channels = layer_of(layer, given, epsilon)
            self.add_module(f"layer_{i}", module)
            channels.append(its_channels)
        self.classifier = nn.Linear(sum(channels[i] for i in self.ends), classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, in_channels, height, width]."""
        outputs: list[Tensor] = []
        for i, layer in enumerate(self.architecture.layers):
            inputs = [outputs[j] for j in layer.inputs] or [image]
            outputs.append(getattr(self, f"layer_{i}")(concatenate(inputs)))
        logits: Tensor = self.classifier(pooled([outputs[i] for i in self.ends]))
        return logits


class BlockNetwork(nn.Module):
    """Densely connected blocks with skip connections, and max-pooling between some of them.

    Whatever a block takes from before a pooling has gone through it, the image too, so that all
    inputs of a block have one size. Odd sides are rounded up. A block with no input takes the
    image; the means over all positions of the blocks that feed no other, pooled as the last block
    would take them, are concatenated before the classifier, one linear map.
    """

    def __init__(
        self, architecture: BlockNet, in_channels: int, classes: int, epsilon: float
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.ends = architecture.loose_ends()
        self.last_use = dict.fromkeys(self.ends, len(architecture.blocks))
        channels = [block.layers * block.filters for block in architecture.blocks]
        for i, block in enumerate(architecture.blocks):
            given = sum(channels[j] for j in block.inputs) or in_channels
            self.add_module(f"block_{i}", DenseBlock(block, given, epsilon))
            self.last_use |= dict.fromkeys(block.inputs or (IMAGE,), i)
        self.classifier = nn.Linear(sum(channels[i] for i in self.ends), classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, in_channels, height, width]."""
        seen = {IMAGE: image}
        for i, block in enumerate(self.architecture.blocks):
            if i in self.architecture.pool_after:
                seen = {
                    source: F.max_pool2d(maps, 2, ceil_mode=True)
                    for source, maps in seen.items()
                    if self.last_use[source] >= i
                }
            inputs = [seen[source] for source in block.inputs or (IMAGE,)]
            seen[i] = getattr(self, f"block_{i}")(torch.cat(inputs, dim=1))
        logits: Tensor = self.classifier(pooled([seen[i] for i in self.ends]))
        return logits


def concatenate(maps: Sequence[Tensor]) -> Tensor:
    """Maps [n, c_k, h_k, w_k] as one [n, sum of c_k, max h, max w], each centred among zeros."""
    if len(maps) == 1:
        return maps[0]
    height, width = largest(maps)
    return torch.cat([centred(part, height, width) for part in maps], dim=1)


def pooled(maps: Sequence[Tensor]) -> Tensor:
    """The mean [n, sum of c_k] over all positions of `concatenate`, without building it."""
    if len(maps) == 1:
        return maps[0].mean((2, 3))
    height, width = largest(maps)
    return torch.cat([part.sum((2, 3)) for part in maps], dim=1) / (height * width)


def centred(maps: Tensor, height: int, width: int) -> Tensor:
    """The maps [n, c, h, w] in the middle of zeros [n, c, height, width]; odd rests go after."""
    down, right = height - maps.shape[2], width - maps.shape[3]
    if down == right == 0:
        return maps
    return F.pad(maps, (right // 2, right - right // 2, down // 2, down - down // 2))


def largest(maps: Sequence[Tensor]) -> tuple[int, int]:
    """The greatest height and the greatest width among maps [n, c, h, w]."""
    return max(part.shape[2] for part in maps), max(part.shape[3] for part in maps)
