"""A convolutional network out of its stored JSON, with the paper's three repairs applied.

The repairs (section 3.3): a layer without input takes the image; outputs that feed nothing are
concatenated before the classifier; inputs of different sizes are zero-padded to the largest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from nas_hpc.report.task import Task

IMAGE = -1
"""Stands for the image where layers are numbered."""

Size = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Maps:
    """What a layer puts out.

    Attributes:
        channels: None if the image's are not known.
        size: height and width: pixels, or shares of an unknown image's.
    """

    channels: int | None
    size: Size


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
    """One layer, or one block.

    Attributes:
        number: from 0.
        decided: what it does, in its JSON form.
        join: what feeds it.
        repaired: no input was chosen, so it takes the image.
        channels, size: of its output, as in `Maps`.
    """

    number: int
    decided: Mapping[str, Any]
    join: Join
    repaired: bool
    channels: int | None
    size: Size


@dataclass(frozen=True)
class Graph:
    """A whole network.

    Attributes:
        noun: what its parts are: ``layer`` or ``block``.
        layers: its parts.
        pools: numbers of parts in front of which everything so far is max-pooled.
        last: what feeds the classifier.
        task: what it is for, if that is known.
    """

    noun: str
    layers: tuple[Layer, ...]
    pools: tuple[int, ...]
    last: Join
    task: Task | None

    @classmethod
    def of(cls, architecture: dict[str, Any], task: Task | None) -> Graph:
        """The network of an architecture in its JSON form."""
        blocks = architecture["type"] == "BlockNet"
        pools = tuple(architecture["pool_after"]) if blocks else ()
        layers: list[Layer] = []
        seen = {IMAGE: _image(task)}
        for number, decided in enumerate(architecture["blocks" if blocks else "layers"]):
            if number in pools:
                seen = {source: _pooled(maps, task) for source, maps in seen.items()}
            join = _join(tuple(decided["inputs"]) or (IMAGE,), seen)
            made = _made(decided, join, task)
            seen[number] = made
            repaired = number > 0 and not decided["inputs"]
            layers.append(Layer(number, decided, join, repaired, made.channels, made.size))
        used = {source for layer in layers for source in layer.join.sources}
        ends = tuple(layer.number for layer in layers if layer.number not in used)
        noun = "block" if blocks else "layer"
        return cls(noun, tuple(layers), pools, _join(ends, seen), task)


def _image(task: Task | None) -> Maps:
    if task is None:
        return Maps(None, (Fraction(1), Fraction(1)))
    return Maps(task.channels, (Fraction(task.height), Fraction(task.width)))


def _made(decided: Mapping[str, Any], join: Join, task: Task | None) -> Maps:
    match decided["type"]:
        case "ConvLayer":
            strides = (decided["stride_height"], decided["stride_width"])
            return Maps(decided["filters"], _shrunk(join.size, strides, task))
        case "Block":
            return Maps(decided["layers"] * decided["filters"], join.size)
        case "PoolLayer":
            return Maps(join.channels, _shrunk(join.size, (decided["stride"],) * 2, task))
    return Maps(join.channels, join.size)


def _join(sources: tuple[int, ...], seen: Mapping[int, Maps]) -> Join:
    maps = [seen[source] for source in sources]
    largest = (max(each.size[0] for each in maps), max(each.size[1] for each in maps))
    padded = any(each.size != largest for each in maps)
    return Join(sources, _sum([each.channels for each in maps]), largest, padded)


def _sum(channels: Sequence[int | None]) -> int | None:
    known = [number for number in channels if number is not None]
    return sum(known) if len(known) == len(channels) else None


def _pooled(maps: Maps, task: Task | None) -> Maps:
    return Maps(maps.channels, _shrunk(maps.size, (2, 2), task))


def _shrunk(size: Size, strides: tuple[int, int], task: Task | None) -> Size:
    height, width = size[0] / strides[0], size[1] / strides[1]
    return (Fraction(ceil(height)), Fraction(ceil(width))) if task else (height, width)
