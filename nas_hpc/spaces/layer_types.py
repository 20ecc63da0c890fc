"""The convolutional space with the type of each layer as one more decision (paper, section 3.3).

First the layer's type, then what belongs to that type, then what feeds the layer:

    convolution                    height, width, filters, strides   any set of earlier layers
    max pooling, average pooling   size, stride                      one earlier layer
    batch normalisation            momentum                          one earlier layer
    local contrast normalisation   window                            one earlier layer

The paper names the types but not their hyper-parameters. Only convolutions take several inputs:
the other types keep the number of channels, and if they concatenated their inputs it would grow
exponentially with depth.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from nas_hpc.spaces.convolution import Convolutions, check_depth, check_odd, check_positive
from nas_hpc.spaces.decisions import Anchor, Choice, Connect, Kind, Point, Space, SpaceError
from nas_hpc.spaces.layers import (
    BatchNormLayer,
    ContrastLayer,
    ConvLayer,
    ConvNet,
    Layer,
    PoolLayer,
)

CONVOLUTION, MAX_POOLING, AVERAGE_POOLING = "convolution", "max pooling", "average pooling"
BATCH_NORMALISATION, CONTRAST = "batch normalisation", "local contrast normalisation"
TYPES = (CONVOLUTION, MAX_POOLING, AVERAGE_POOLING, BATCH_NORMALISATION, CONTRAST)


def layer_types(
    heights: Sequence[int] = (1, 3, 5, 7),
    widths: Sequence[int] = (1, 3, 5, 7),
    filters: Sequence[int] = (24, 36, 48, 64),
    strides: Sequence[int] = (1,),
    types: Sequence[str] = TYPES,
    pooling_sizes: Sequence[int] = (3, 5),
    pooling_strides: Sequence[int] = (1, 2),
    momenta: Sequence[float] = (0.1, 0.01),
    windows: Sequence[int] = (3, 5, 7, 9),
) -> Space:
    """The space of networks of typed layers; ``depth`` is the argument of its generator.

    Args:
        heights, widths, filters, strides: of convolutions, see `nas_hpc.spaces.convnet.convnet`.
        types: some of `TYPES`.
        pooling_sizes, pooling_strides: of both kinds of pooling, in pixels; sizes are odd.
        momenta: of batch normalisation: weights of the latest batch in the running statistics.
        windows: of local contrast normalisation: sides in pixels, odd.

    Raises:
        SpaceError: there is no such type, or an option is out of its bounds.
    """
    if set(types) - set(TYPES):
        raise SpaceError(f"layer-types: types must be among {list(TYPES)}, got {list(types)}")
    if any(not 0 < momentum <= 1 for momentum in momenta):
        raise SpaceError(f"layer-types: momenta must be in (0, 1], got {list(momenta)}")
    check_odd("layer-types", pooling_sizes=pooling_sizes, windows=windows)
    check_positive("layer-types", pooling_strides=pooling_strides)
    convolutions = Convolutions("layer-types", heights, widths, filters, strides)
    kind = Kind("layer type", tuple(types))
    size = Kind("pooling size", tuple(pooling_sizes))
    stride = Kind("pooling stride", tuple(pooling_strides))
    momentum, window = Kind("momentum", tuple(momenta)), Kind("window", tuple(windows))

    def decide(at: str, anchors: tuple[int, ...]) -> Generator[Any, Any, Layer]:
        chosen = yield Choice(kind, f"{at}/type")
        if chosen == CONVOLUTION:
            convolution = yield from convolutions.decide(at)
            return ConvLayer(*convolution, (yield Connect(f"{at}/inputs", anchors)))
        if chosen in (MAX_POOLING, AVERAGE_POOLING):
            side = yield Choice(size, f"{at}/pooling size")
            step = yield Choice(stride, f"{at}/pooling stride")
            inputs = yield from source(at, anchors)
            return PoolLayer("max" if chosen == MAX_POOLING else "average", side, step, inputs)
        if chosen == BATCH_NORMALISATION:
            weight = yield Choice(momentum, f"{at}/momentum")
            return BatchNormLayer(weight, (yield from source(at, anchors)))
        side = yield Choice(window, f"{at}/window")
        return ContrastLayer(side, (yield from source(at, anchors)))

    def source(at: str, anchors: tuple[int, ...]) -> Generator[Any, Any, tuple[int, ...]]:
        return ((yield Point(f"{at}/input", anchors)),) if anchors else ()

    def generate(depth: int) -> Generator[Any, Any, ConvNet]:
        check_depth("layer-types", depth)
        anchors: list[int] = []
        layers: list[Layer] = []
        for i in range(depth):
            at = f"layer {i}"
            layers.append((yield from decide(at, tuple(anchors))))
            anchors.append((yield Anchor(at)))
        return ConvNet(tuple(layers))

    kinds = (kind, *convolutions.kinds, size, stride, momentum, window)
    return Space("layer-types", kinds, generate)
