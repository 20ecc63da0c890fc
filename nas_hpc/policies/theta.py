"""The controller's parameters θ as one flat vector: what is where, the start, and the shards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from nas_hpc.spaces import Kind

INITIAL = int.from_bytes(b"initial")
"""First number of the spawn key of the initial parameters."""

Flat = TypeVar("Flat")


@dataclass(frozen=True)
class Layout:
    """Names, shapes and places of the parameters in θ.

    It follows from the space's kinds and the size of the LSTM, never from a depth::

        start                      [hidden]           input of the first step
        lstm <l>/input             [4 hidden, hidden] gates in the order of torch: input, forget,
        lstm <l>/recurrent         [4 hidden, hidden] cell, output
        lstm <l>/bias              [4 hidden]
        embedding of <kind>        [options, hidden]  input of the step after a choice
        softmax of <kind>/weight   [options, hidden]
        softmax of <kind>/bias     [options]
        anchors/previous           [hidden, hidden]   W_prev, W_curr and v of section 3.3
        anchors/current            [hidden, hidden]
        anchors/score              [hidden]

    Args:
        kinds: of the space.
        hidden: units of each LSTM layer, and the width of the embeddings.
        layers: of the LSTM.
    """

    kinds: tuple[Kind, ...]
    hidden: int
    layers: int

    @cached_property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of each parameter, in the order in which they lie in θ."""
        hidden = self.hidden
        named: list[tuple[str, tuple[int, ...]]] = [("start", (hidden,))]
        for layer in range(self.layers):
            named.append((f"lstm {layer}/input", (4 * hidden, hidden)))
            named.append((f"lstm {layer}/recurrent", (4 * hidden, hidden)))
            named.append((f"lstm {layer}/bias", (4 * hidden,)))
        for kind in self.kinds:
            options = len(kind.options)
            named.append((f"embedding of {kind.name}", (options, hidden)))
            named.append((f"softmax of {kind.name}/weight", (options, hidden)))
            named.append((f"softmax of {kind.name}/bias", (options,)))
        named.append(("anchors/previous", (hidden, hidden)))
        named.append(("anchors/current", (hidden, hidden)))
        named.append(("anchors/score", (hidden,)))
        return tuple(named)

    @cached_property
    def size(self) -> int:
        """Numbers in θ."""
        return sum(math.prod(shape) for _, shape in self.shapes)

    def views(self, flat: Flat) -> dict[str, Flat]:
        """Each parameter by name, as a view of a flat numpy array or torch tensor [size].

        Raises:
            ValueError: the vector has another length.
        """
        vector: Any = flat
        if tuple(vector.shape) != (self.size,):
            raise ValueError(f"θ has {self.size} numbers here, not shape {tuple(vector.shape)}")
        named, position = {}, 0
        for name, shape in self.shapes:
            end = position + math.prod(shape)
            named[name] = vector[position:end].reshape(shape)
            position = end
        return named


def initial(layout: Layout, seed: int, initial_range: float) -> np.ndarray:
    """θ before the first update: uniform in [-initial_range, initial_range], float64 [size]."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(INITIAL,)))
    return rng.uniform(-initial_range, initial_range, layout.size)


def shard_slices(size: int, shards: int) -> list[slice]:
    """Cut a vector into consecutive shards whose lengths differ by at most one.

    Raises:
        ValueError: there are more shards than numbers, or none.
    """
    if not 1 <= shards <= size:
        raise ValueError(f"{size} numbers cannot be cut into {shards} shards")
    ends = [size * shard // shards for shard in range(shards + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]
