"""A convolutional network out of its stored JSON, with the paper's three repairs applied.

The repairs (section 3.3): a layer without input takes the image; outputs that feed nothing are
concatenated before the classifier; inputs of different sizes are zero-padded to the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from nas_hpc.report.task import Task

IMAGE = -1
"""Stands for the image where layers are numbered."""

Size = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Join:
    """What a layer, or the classifier, is fed with.

    Attributes:
        sources: numbers of layers, ascending, or `IMAGE` alone.
        channels: of all sources together; None if the image's are not known.
        size: height and width of the largest source: pixels, or shares of an unknown image's.
        padded: smaller sources are padded with zeros.
    """

    sources: tuple[int, ...]
    channels: int | None
    size: Size
    padded: bool


@dataclass(frozen=True)
class Layer:
    """One convolutional layer.

    Attributes:
        number: from 0.
        height, width, filters, strides: of its convolution.
        join: what feeds it.
        repaired: no input was chosen, so it takes the image.
        size: height and width of its output, in the unit of `Join.size`.
    """

    number: int
    height: int
    width: int
    filters: int
    strides: tuple[int, int]
    join: Join
    repaired: bool
    size: Size


@dataclass(frozen=True)
class Graph:
    """A whole network; ``last`` feeds the classifier."""

    layers: tuple[Layer, ...]
    last: Join
    task: Task | None

    @classmethod
    def of(cls, architecture: dict[str, Any], task: Task | None) -> Graph:
        """The network of an architecture in its JSON form."""
        layers: list[Layer] = []
        for number, stored in enumerate(architecture["layers"]):
            join = _join(tuple(stored["inputs"]) or (IMAGE,), layers, task)
            strides = (stored["stride_height"], stored["stride_width"])
            layer = Layer(
                number=number,
                height=stored["height"],
                width=stored["width"],
                filters=stored["filters"],
                strides=strides,
                join=join,
                repaired=number > 0 and not stored["inputs"],
                size=_shrunk(join.size, strides, exact=task is not None),
            )
            layers.append(layer)
        used = {source for layer in layers for source in layer.join.sources}
        ends = tuple(layer.number for layer in layers if layer.number not in used)
        return cls(tuple(layers), _join(ends, layers, task), task)


def _join(sources: tuple[int, ...], layers: Sequence[Layer], task: Task | None) -> Join:
    if sources == (IMAGE,):
        size = (Fraction(task.height), Fraction(task.width)) if task else (Fraction(1), Fraction(1))
        return Join(sources, task.channels if task else None, size, padded=False)
    sizes = [layers[source].size for source in sources]
    largest = (max(size[0] for size in sizes), max(size[1] for size in sizes))
    channels = sum(layers[source].filters for source in sources)
    return Join(sources, channels, largest, padded=any(size != largest for size in sizes))


def _shrunk(size: Size, strides: tuple[int, int], exact: bool) -> Size:
    height, width = size[0] / strides[0], size[1] / strides[1]
    return (Fraction(ceil(height)), Fraction(ceil(width))) if exact else (height, width)
