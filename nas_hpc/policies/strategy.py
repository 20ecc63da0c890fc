"""What every strategy does: propose architectures, and learn from what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nas_hpc.spaces import Arguments, Tokens

SAMPLING = int.from_bytes(b"sample")
"""First number of the spawn key of everything drawn while sampling."""


@dataclass(frozen=True)
class Request:
    """An architecture to propose.

    Attributes:
        sample: its number.
        arguments: of the space's generator.
    """

    sample: int
    arguments: Arguments


@dataclass(frozen=True)
class Proposal:
    """An architecture, as the strategy decided it.

    Attributes:
        sample: its number.
        tokens: (path, token) pairs in the order decided.
        log_probability: of the tokens, in nats.
        entropy: the sum, over the decisions met, of the entropy of each one's distribution, in
            nats; its mean over samples is the entropy of the policy.
    """

    sample: int
    tokens: Tokens
    log_probability: float
    entropy: float


@dataclass(frozen=True)
class Lesson:
    """What became of a proposal.

    Attributes:
        sample: its number.
        arguments: those it was asked for with.
        tokens: (path, token) pairs in the order decided.
        advantage: what its gradient of log-probability is multiplied by.
        reward: the scalar that the advantage was made from.
    """

    sample: int
    arguments: Arguments
    tokens: Tokens
    advantage: float
    reward: float


class Strategy(Protocol):
    """Something that proposes architectures.

    A proposal depends on the strategy's state, the sample's number and its arguments alone: not on
    what else is asked for, before it or together with it. Random numbers therefore come from
    `generator`.

    Attributes:
        replicated: whether the strategy is a vector of parameters θ, so that K replicas propose
            and differentiate while parameter servers keep θ; otherwise there is one, whose state
            is its own.
    """

    replicated: bool

    def ask(self, requests: Sequence[Request]) -> list[Proposal]:
        """Propose one architecture for each request, in their order."""
        ...

    def tell(self, lessons: Sequence[Lesson]) -> np.ndarray | None:
        """Learn.

        Returns:
            If replicated, the gradient of the objective to ascend, the mean over the lessons, at
            the θ loaded last: float64 [size of θ]. Otherwise None.
        """
        ...

    def state(self) -> dict[str, Any]:
        """``{"theta": float64 [n]}`` if replicated, else JSON data that `load` restores."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` gave."""
        ...


def generator(seed: int, sample: int) -> np.random.Generator:
    """The random numbers of one sample."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SAMPLING, sample)))
