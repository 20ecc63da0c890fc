"""The paper's convolutional space with skip connections (sections 3.1 to 3.3).

For each layer the filter's height and width, the number of filters, where asked for its strides,
and then the set of earlier layers that feed it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from nas_hpc.spaces.convolution import Convolutions, check_depth
from nas_hpc.spaces.decisions import Anchor, Connect, Space
from nas_hpc.spaces.layers import ConvLayer, ConvNet


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
    convolutions = Convolutions("convnet", heights, widths, filters, strides)

    def generate(depth: int) -> Generator[Any, Any, ConvNet]:
        check_depth("convnet", depth)
        anchors: list[int] = []
        layers = []
        for i in range(depth):
            at = f"layer {i}"
            chosen = yield from convolutions.decide(at)
            inputs = yield Connect(f"{at}/inputs", tuple(anchors))
            anchors.append((yield Anchor(at)))
            layers.append(ConvLayer(*chosen, inputs))
        return ConvNet(tuple(layers))

    return Space("convnet", convolutions.kinds, generate, static=True)
