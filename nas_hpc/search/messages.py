"""What the ranks of a search say to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nas_hpc.policies.strategy import Lesson, Proposal, Request

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleOrder:
    """Dispatcher to replica: propose these samples under the newest parameters."""

    replica: int
    batch: int
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Sampled:
    """Replica to dispatcher: the proposals, and the version of the parameters behind them."""

    replica: int
    batch: int
    version: int
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class LearnOrder:
    """Dispatcher to replica: compute the gradient of these lessons and push it under the ticket.

    ``versions`` says under which parameters each was sampled; the replica kept those. Where it
    did not (the search was resumed), it takes the parameters just before the ticket.
    ``dropped`` are samples that will never have a lesson, so their parameters can go.
    """

    replica: int
    ticket: int
    lessons: tuple[Lesson, ...]
    versions: tuple[int, ...]
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pull:
    """Replica to parameter server: send the shard as soon as ``ticket`` has been applied."""

    shard: int
    ticket: int


@dataclass(frozen=True)
class ShardValues:
    """Parameter server to replica: a shard's parameters and how many updates made them."""

    shard: int
    version: int
    values: Vector


@dataclass(frozen=True)
class Push:
    """Replica to parameter server: the shard's part of a gradient; applied in order of tickets."""

    shard: int
    ticket: int
    gradient: Vector


@dataclass(frozen=True)
class SnapshotOrder:
    """Dispatcher to parameter servers (or to a single strategy): your state right after a ticket.

    No later ticket is given until all states are in, so they are one cut.
    """

    ticket: int


@dataclass(frozen=True)
class ShardState:
    """A shard right after a ticket: its parameters, Adam's moments, gradients not yet applied."""

    shard: int
    ticket: int
    version: int
    theta: Vector
    first_moment: Vector
    second_moment: Vector
    accumulated: Vector
    accumulated_count: int


@dataclass(frozen=True)
class StrategyState:
    """The state of a single strategy right after a ticket, as JSON text."""

    ticket: int
    state: str


@dataclass(frozen=True)
class Begin:
    """Dispatcher to all: the search starts (or goes on) from this state; nothing: from scratch."""

    ticket: int
    shards: tuple[ShardState, ...] = ()
    strategy: str = ""


@dataclass(frozen=True)
class Stop:
    """Dispatcher to all: the search is over."""


@dataclass(frozen=True)
class Stopped:
    """To the dispatcher: the last message of a rank."""
