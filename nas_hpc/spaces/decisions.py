"""The decisions that a search space may yield, and the space itself.

A space is a plain generator function. It yields decisions, receives their answers and returns the
architecture::

    WIDTH = Kind("width", (8, 16, 32))

    def chain(depth):
        widths = []
        for i in range(depth):
            widths.append((yield Choice(WIDTH, f"layer {i}/width")))
        return Chain(tuple(widths))

    space = Space("chain", kinds=(WIDTH,), generate=chain)

Whoever proposes architectures (an LSTM, a random generator, the replay of stored tokens) answers
the same generator, so a new space needs no change anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class SpaceError(ValueError):
    """A space, its arguments or the tokens given to it are wrong; the message says which."""


@dataclass(frozen=True)
class Kind:
    """A named, ordered set of options; all positions that use it share one embedding and softmax.

    Args:
        name: unique within a space.
        options: the values to choose from (numbers, strings, booleans), at least one, no repeats.
    """

    name: str
    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(self.options))
        if not self.options:
            raise SpaceError(f"kind {self.name!r} has no options")
        if len(set(self.options)) != len(self.options):
            raise SpaceError(f"kind {self.name!r} names an option twice: {self.options}")


@dataclass(frozen=True)
class Choice:
    """Choose one option of a kind; the answer is the option.

    One token: the option's index in ``kind.options``. ``among`` restricts the choice to a subset,
    whose probabilities are renormalised.
    """

    kind: Kind
    path: str
    among: tuple[Any, ...] | None = None

    def allowed(self) -> tuple[int, ...]:
        """The tokens that this choice may take, ascending."""
        if self.among is None:
            return tuple(range(len(self.kind.options)))
        unknown = [option for option in self.among if option not in self.kind.options]
        if unknown or not self.among:
            raise SpaceError(
                f"{self.path}: among={self.among} must be a non-empty part of {self.kind.options}"
            )
        return tuple(i for i, option in enumerate(self.kind.options) if option in self.among)


@dataclass(frozen=True)
class Anchor:
    """Remember this position, so that later decisions can connect to it. Takes no token.

    The answer is the anchor's number, 0 for the first one of the architecture. The LSTM policy
    records its hidden state here (paper, section 3.3).
    """

    path: str


@dataclass(frozen=True)
class Connect:
    """Choose any subset of earlier anchors; the answer is the tuple of those chosen, ascending.

    One 0/1 token for each candidate, in the order of ``among``. The LSTM policy takes the product
    of independent Bernoullis, P = sigmoid(v . tanh(W_prev h_j + W_curr h_i)) (paper, section 3.3).
    """

    path: str
    among: Sequence[int]


@dataclass(frozen=True)
class Point:
    """Choose exactly one earlier anchor; the answer is its number.

    One token: the position in ``among``. The LSTM policy takes a softmax over the scores that
    `Connect` puts through a sigmoid.
    """

    path: str
    among: Sequence[int]


Decision = Choice | Connect | Point
Generate = Callable[..., Generator[Any, Any, Any]]


@dataclass(frozen=True)
class Space:
    """A search space: kinds of decisions, and the generator that turns answers into architectures.

    Args:
        name: how the space is called in tables and messages.
        kinds: every kind that the generator may yield, in the order that lays out the policy's
            parameters. Depends on the space's options, never on the arguments of ``generate``.
        generate: a pure generator function of its arguments and the answers. Its architecture is
            a frozen dataclass of numbers, strings, tuples and other such dataclasses.
        static: the decisions do not depend on the answers.
    """

    name: str
    kinds: tuple[Kind, ...]
    generate: Generate
    static: bool = False
    _known: frozenset[Kind] = field(init=False, repr=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        names = [kind.name for kind in self.kinds]
        if len(set(names)) != len(names):
            raise SpaceError(f"space {self.name!r} declares a kind twice: {names}")
        object.__setattr__(self, "_known", frozenset(self.kinds))

    def declares(self, kind: Kind) -> bool:
        """Whether the kind is one of ``kinds``, options included."""
        return kind in self._known


Tokens = tuple[tuple[str, int], ...]
"""The (path, token) pairs of one architecture, in the order in which they were decided."""

Arguments = Mapping[str, Any]
"""What a space's generator is called with, such as ``{"depth": 6}``."""
