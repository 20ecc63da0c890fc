"""What the dispatcher wants done, in this order; `Keep` is durable before what follows it."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.cluster import TrialSpec
from nas_hpc.search.messages import LearnOrder, SampleOrder
from nas_hpc.store import Outcome, Record


@dataclass(frozen=True)
class Keep:
    """Make a record durable."""

    record: Record


@dataclass(frozen=True)
class Enqueue:
    """Let a slot run this trial."""

    spec: TrialSpec


@dataclass(frozen=True)
class Acknowledge:
    """The outcome is recorded: its files may go."""

    outcome: Outcome


@dataclass(frozen=True)
class Forget:
    """The trial is given up: all its files but the log may go."""

    trial: int


@dataclass(frozen=True)
class Order:
    """Send to the rank that carries the replica."""

    message: SampleOrder | LearnOrder


@dataclass(frozen=True)
class Finish:
    """The search is over; the reason is one of the dispatcher's."""

    reason: str


Command = Keep | Enqueue | Acknowledge | Forget | Order | Finish
