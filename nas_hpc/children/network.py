"""Networks of the convolutional space (paper, sections 3.1 and 3.3).

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

from nas_hpc.spaces.convnet import ConvLayer, ConvNet


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


def parameters(network: nn.Module) -> int:
    """The number of trained weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


class ConvolutionLayer(nn.Module):
    """Convolution without bias, batch normalisation, ReLU: [n, c, h, w] to [n, filters, h', w'].

    Padded with zeros by half the filter on each side, so that h' = ceil(h / stride_height), and w'
    likewise. Weights as He et al. 2015 (arXiv 1502.01852) for ReLU.
    """

    def __init__(self, layer: ConvLayer, channels: int, epsilon: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            channels,
            layer.filters,
            kernel_size=(layer.height, layer.width),
            stride=(layer.stride_height, layer.stride_width),
            padding=(layer.height // 2, layer.width // 2),
            bias=False,
        )
        self.normalisation = nn.BatchNorm2d(layer.filters, eps=epsilon)
        nn.init.kaiming_normal_(self.convolution.weight, nonlinearity="relu")

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.normalisation(self.convolution(maps)), inplace=True)


class SkipNetwork(nn.Module):
    """Convolutional layers with skip connections, and the paper's three repairs (section 3.3).

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
        layers = architecture.layers
        for i, layer in enumerate(layers):
            channels = sum(layers[j].filters for j in layer.inputs) or in_channels
            self.add_module(f"layer_{i}", ConvolutionLayer(layer, channels, epsilon))
        self.classifier = nn.Linear(sum(layers[i].filters for i in self.ends), classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, in_channels, height, width]."""
        outputs: list[Tensor] = []
        for i, layer in enumerate(self.architecture.layers):
            inputs = [outputs[j] for j in layer.inputs] or [image]
            outputs.append(getattr(self, f"layer_{i}")(concatenate(inputs)))
        logits: Tensor = self.classifier(pooled([outputs[i] for i in self.ends]))
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
