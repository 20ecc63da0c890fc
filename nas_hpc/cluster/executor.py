"""What the dispatcher asks of whatever runs trials: the one contract of all executors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nas_hpc.spaces import Tokens
from nas_hpc.store import Outcome, SlotUse


class SlotError(RuntimeError):
    """Slots cannot be started; the message ends with what they said and where."""


@dataclass(frozen=True)
class TrialSpec:
    """What a slot needs to know of a trial.

    Attributes:
        trial: its number.
        key: see `nas_hpc.store.Sample`.
        arguments: of the space's generator.
        tokens: (path, token) pairs in the order decided.
        alone: to be trained without neighbours, that is trials with which it would share memory.
    """

    trial: int
    key: str
    arguments: Mapping[str, Any]
    tokens: Tokens
    alone: bool = False


class Executor(Protocol):
    """A trial is assigned to a slot; an outcome comes back.

    An outcome is handed out once by each executor; until it is acknowledged, the executor of the
    next session hands it out again. So whoever records outcomes must recognise (trial, attempt).
    An attempt must be acknowledged before the trial is enqueued again.
    """

    def enqueue(self, specs: Sequence[TrialSpec]) -> None:
        """Have the trials run, the lowest number first."""
        ...

    def poll(self) -> list[Outcome]:
        """How attempts have ended since the last call, the earliest first; meant to be cheap.

        Raises:
            SlotError: no slot can be started.
        """
        ...

    def slots_ended(self) -> list[SlotUse]:
        """Slots that have ended since the last call; their files stay until they are called for."""
        ...

    def running(self) -> list[tuple[int, str]]:
        """Trials that have a slot, and its name."""
        ...

    def acknowledge(self, outcomes: Sequence[Outcome]) -> None:
        """These outcomes are recorded: delete the files of their attempts.

        An answered trial's folder goes as well, save the log of a failure; otherwise it stays, so
        that the next attempt can go on from the checkpoint in it.
        """
        ...

    def forget(self, trial: int) -> None:
        """The trial was given up: delete all its files except the log."""
        ...

    def recover(self) -> set[int]:
        """Trials left by an earlier session whose outcomes `poll` will hand out.

        They are waiting, running, finished, or lost with their slot; others must be enqueued.
        """
        ...

    def slots_alive(self) -> int:
        """How many slots there are, those about to start included."""
        ...

    def cancel(self) -> None:
        """End all slots, at once; trials that ran are waiting again. They have ended on return."""
        ...

    def close(self) -> None:
        """Leave: slots with work to do go on without this process, others are ended."""
        ...
