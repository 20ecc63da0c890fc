"""Layers of convolutional networks, on maps [n, channels, height, width]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.spaces.layers import BatchNormLayer, Block, ContrastLayer, ConvLayer, Layer, PoolLayer

LEAST_VARIANCE = 1e-6
"""Below it, local contrast is rounding."""


def layer_of(layer: Layer, channels: int, epsilon: float) -> tuple[nn.Module, int]:
    """What a layer does, and its number of output channels.

    Args:
        layer: as decided.
        channels: of all its inputs together.
        epsilon: added to the variance in batch normalisation.
    """
    match layer:
        case ConvLayer(filters=filters):
            return ConvolutionLayer(layer, channels, epsilon), filters
        case PoolLayer():
            return PoolingLayer(layer), channels
        case BatchNormLayer(momentum=momentum):
            return nn.BatchNorm2d(channels, eps=epsilon, momentum=momentum), channels
        case ContrastLayer(window=window):
            return LocalContrastNormalisation(window), channels


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


class PoolingLayer(nn.Module):
    """Maximum or mean of each window: [n, c, h, w] to [n, c, ceil(h / stride), ceil(w / stride)].

    Windows are centred; what lies outside of the map does not count.
    """

    def __init__(self, layer: PoolLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, maps: Tensor) -> Tensor:
        size, stride = self.layer.size, self.layer.stride
        if self.layer.operation == "max":
            return F.max_pool2d(maps, size, stride, padding=size // 2)
        return F.avg_pool2d(maps, size, stride, padding=size // 2, count_include_pad=False)


class LocalContrastNormalisation(nn.Module):
    """Subtractive, then divisive normalisation (Jarrett et al. 2009, ICCV); keeps the shape.

    With M the mean over all channels and a Gaussian window around each pixel::

        v = x - M(x);  s = sqrt(M(v^2));  y = v / max(s, mean of s over the map)

    The Gaussian's standard deviation is a sixth of the window's side; where the window reaches over
    the border, the rest of it is scaled up to a sum of 1.
    """

    kernel: Tensor

    def __init__(self, window: int) -> None:
        super().__init__()
        distance = torch.arange(window, dtype=torch.float64) - window // 2
        profile = torch.exp(-0.5 * (6 * distance / window) ** 2)
        kernel = torch.outer(profile, profile) / profile.sum() ** 2
        self.register_buffer("kernel", kernel.float()[None, None])

    def forward(self, maps: Tensor) -> Tensor:
        inside = self._summed(torch.ones_like(maps[:1, :1]))
        centred = maps - self._summed(maps) / inside
        variance = self._summed(centred**2) / inside
        contrast = variance.clamp(min=LEAST_VARIANCE).sqrt()
        return centred / torch.maximum(contrast, contrast.mean((2, 3), keepdim=True))

    def _summed(self, maps: Tensor) -> Tensor:
        """Mean over channels, Gaussian sum over what of the window is inside: [n, 1, h, w]."""
        padding = self.kernel.shape[-1] // 2
        return F.conv2d(maps.mean(1, keepdim=True), self.kernel, padding=padding)


class DenseBlock(nn.Module):
    """Densely connected convolutions: [n, channels, h, w] to [n, layers * filters, h, w].

    Each layer is fed by the block's input and the outputs of all layers before it; the block's
    output is that of all its layers.
    """

    def __init__(self, block: Block, channels: int, epsilon: float) -> None:
        super().__init__()
        layer = ConvLayer(block.height, block.width, block.filters, 1, 1, ())
        for k in range(block.layers):
            given = channels + k * block.filters
            self.add_module(f"layer_{k}", ConvolutionLayer(layer, given, epsilon))

    def forward(self, maps: Tensor) -> Tensor:
        outputs: list[Tensor] = []
        for layer in self.children():
            outputs.append(layer(torch.cat([maps, *outputs], dim=1)))
        return torch.cat(outputs, dim=1)
