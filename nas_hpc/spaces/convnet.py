"""The paper's convolutional space with skip connections (sections 3.1 to 3.3).

For each layer the filter's height and width, the number of filters, where asked for its strides,
and then the set of earlier layers that feed it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from nas_hpc.spaces.decisions import Anchor, Choice, Connect, Kind, Space, SpaceError


@dataclass(frozen=True)
class ConvLayer:
    """Convolution, batch normalisation, ReLU.

    Attributes:
        height, width: of the filter, in pixels.
        filters: number of output channels.
        stride_height, stride_width: in pixels.
        inputs: numbers of the earlier layers that feed this one, ascending. Empty: the image.
    """

    height: int
    width: int
    filters: int
    stride_height: int
    stride_width: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class ConvNet:
    """A convolutional network as decided; the three repairs are applied where it is built."""

    layers: tuple[ConvLayer, ...]

    def loose_ends(self) -> tuple[int, ...]:
        """Layers whose output feeds no other layer; together they feed the classifier."""
        used = {j for layer in self.layers for j in layer.inputs}
        return tuple(i for i in range(len(self.layers)) if i not in used)


def convnet(
    heights: Sequence[int] = (1, 3, 5, 7),
    widths: Sequence[int] = (1, 3, 5, 7),
    filters: Sequence[int] = (24, 36, 48, 64),
    strides: Sequence[int] = (1,),
) -> Space:
    """The space of convolutional networks; ``depth`` is the argument of its generator.

    Args:
        heights, widths: of the filters, in pixels, odd.
        filters: numbers of filters.
        strides: (1,) fixes them and asks nothing; the paper's stride experiment has (1, 2, 3).

    Raises:
        SpaceError: an option is not a positive whole number, or a filter's side is even.
    """
    for name, values in {"heights": heights, "widths": widths}.items():
        if any(not isinstance(v, int) or v < 1 or v % 2 == 0 for v in values):
            raise SpaceError(f"convnet: {name} must be odd positive numbers, got {list(values)}")
    for name, values in {"filters": filters, "strides": strides}.items():
        if any(not isinstance(v, int) or v < 1 for v in values):
            raise SpaceError(f"convnet: {name} must be positive numbers, got {list(values)}")
    height, width = Kind("filter height", tuple(heights)), Kind("filter width", tuple(widths))
    number = Kind("filters", tuple(filters))
    stride_height = Kind("stride height", tuple(strides))
    stride_width = Kind("stride width", tuple(strides))
    strided = len(strides) > 1

    def generate(depth: int) -> Generator[Any, Any, ConvNet]:
        if not isinstance(depth, int) or depth < 1:
            raise SpaceError(f"convnet: depth must be a positive number, got {depth!r}")
        anchors: list[int] = []
        layers = []
        for i in range(depth):
            at = f"layer {i}"
            rows = yield Choice(height, f"{at}/filter height")
            columns = yield Choice(width, f"{at}/filter width")
            channels = yield Choice(number, f"{at}/filters")
            down, right = strides[0], strides[0]
            if strided:
                down = yield Choice(stride_height, f"{at}/stride height")
                right = yield Choice(stride_width, f"{at}/stride width")
            inputs = yield Connect(f"{at}/inputs", tuple(anchors))
            anchors.append((yield Anchor(at)))
            layers.append(ConvLayer(rows, columns, channels, down, right, inputs))
        return ConvNet(tuple(layers))

    kinds = (height, width, number) + ((stride_height, stride_width) if strided else ())
    return Space("convnet", kinds, generate, static=True)
