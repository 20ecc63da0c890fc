"""What convolutional networks are made of, as decided; the networks are built elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol


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
class PoolLayer:
    """The greatest value, or the mean, of each square window; keeps the number of channels.

    Attributes:
        operation: ``max`` or ``average``.
        size: side of the window, in pixels.
        stride: in pixels.
        inputs: the one layer that feeds this one. Empty: the image.
    """

    operation: Literal["max", "average"]
    size: int
    stride: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class BatchNormLayer:
    """Batch normalisation with a trained scale and shift for each channel.

    Attributes:
        momentum: weight of the latest batch in the running mean and variance.
        inputs: the one layer that feeds this one. Empty: the image.
    """

    momentum: float
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class ContrastLayer:
    """Local contrast normalisation (Jarrett et al. 2009); nothing in it is trained.

    Attributes:
        window: side of the window around each pixel, in pixels.
        inputs: the one layer that feeds this one. Empty: the image.
    """

    window: int
    inputs: tuple[int, ...]


Layer = ConvLayer | PoolLayer | BatchNormLayer | ContrastLayer


@dataclass(frozen=True)
class ConvNet:
    """A convolutional network as decided; the three repairs are applied where it is built."""

    layers: tuple[Layer, ...]

    def loose_ends(self) -> tuple[int, ...]:
        """Layers whose output feeds no other layer; together they feed the classifier."""
        return loose_ends(self.layers)


@dataclass(frozen=True)
class Block:
    """A densely connected block: each layer is fed by the block's input and all layers before it.

    Its output is that of all its layers, concatenated in depth.

    Attributes:
        height, width: of every layer's filter, in pixels.
        filters: number of output channels of every layer.
        layers: convolution, batch normalisation, ReLU each.
        inputs: numbers of the earlier blocks that feed this one, ascending. Empty: the image.
    """

    height: int
    width: int
    filters: int
    layers: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class BlockNet:
    """A network of blocks, with max-pooling between some of them.

    Attributes:
        blocks: from the image on.
        pool_after: numbers of blocks after which everything so far, the image included, goes on
            at half the height and width.
    """

    blocks: tuple[Block, ...]
    pool_after: tuple[int, ...]

    def loose_ends(self) -> tuple[int, ...]:
        """Blocks whose output feeds no other block; together they feed the classifier."""
        return loose_ends(self.blocks)


class Fed(Protocol):
    """A part of a network that earlier ones feed."""

    @property
    def inputs(self) -> tuple[int, ...]: ...


def loose_ends(parts: Iterable[Fed]) -> tuple[int, ...]:
    """Numbers of those parts that feed no other, ascending."""
    inputs = [part.inputs for part in parts]
    used = {source for sources in inputs for source in sources}
    return tuple(number for number in range(len(inputs)) if number not in used)
