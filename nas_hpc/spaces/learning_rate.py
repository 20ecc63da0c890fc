"""The child's learning rate as one more decision, behind those of any space (paper, section 3)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from nas_hpc.spaces.decisions import Choice, Kind, Space


@dataclass(frozen=True)
class Tuned:
    """An architecture, and the learning rate at which it is to be trained.

    Attributes:
        architecture: of the network.
        learning_rate: of SGD, at the start.
    """

    architecture: Any
    learning_rate: float


def with_learning_rate(space: Space, rates: Sequence[float]) -> Space:
    """The space whose architectures are `Tuned` ones: chosen last, among these rates.

    Raises:
        SpaceError: a rate stands twice, or the space has a kind ``learning rate`` of its own.
    """
    kind = Kind("learning rate", tuple(rates))

    def extended(walk: Generator[Any, Any, Any]) -> Generator[Any, Any, Tuned]:
        architecture = yield from walk
        return Tuned(architecture, (yield Choice(kind, "learning rate")))

    @wraps(space.generate)
    def generate(**arguments: Any) -> Generator[Any, Any, Tuned]:
        return extended(space.generate(**arguments))

    return Space(space.name, (*space.kinds, kind), generate, space.static)
