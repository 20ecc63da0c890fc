"""Where slots run: what a fleet asks of this machine, or of Slurm, about its slots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.presence import Presence

Handle = Mapping[str, Any]
"""JSON data by which a place finds a task that it has started."""


@dataclass(frozen=True)
class Bounds:
    """What a fleet keeps to.

    Attributes:
        slots: at a time.
        waiting: tasks that may wait for their start at a time.
        batch: tasks that are submitted together, at most.
        together: slots of one task.
        gather_seconds: a missing slot waits so long for others to be missing too.
        patience: seconds that slots have to end in order before they are killed, and then again.
        queues: tasks may wait long for their start.
        census_seconds: between two looks at the slots.
    """

    slots: int
    waiting: int
    batch: int
    together: int = 1
    gather_seconds: float = 0.0
    queues: bool = False
    census_seconds: float = 1.0
    patience: float = 10.0


class Place(Protocol):
    """See the module. What it says holds for the last `see`."""

    name: str
    """As in ``slots.executor``."""

    @property
    def bounds(self) -> Bounds: ...

    def environment(self) -> dict[str, str]:
        """Of the process that submits."""
        ...

    def see(self, batches: Collection[Batch]) -> None:
        """Look again; these batches are not over."""
        ...

    def find(self, batch: Batch) -> list[Handle] | None:
        """The tasks of a batch whose submitter gave no answer; None as long as it is not known."""
        ...

    def active(self, handle: Handle) -> bool:
        """Whether the task runs, or may yet start, or nothing is known of it."""
        ...

    def alive(self, presence: Presence) -> bool:
        """Whether the slot may take trials."""
        ...

    def gone(self, presence: Presence, superseded: bool) -> bool:
        """Whether nothing more can come of the slot: no outcome that is not to be seen yet.

        A slot is superseded if its task has been started again, so that it cannot live.
        """
        ...

    def state(self, handle: Handle | None, presence: Presence | None) -> str:
        """How it ended, or what it does, in the place's own words."""
        ...

    def life(self, handle: Handle | None, presence: Presence | None) -> tuple[float, float]:
        """When it started and ended, seconds since 1970: NaN if it never did; now if not known."""
        ...

    def end(self, handles: Sequence[Handle], presences: Sequence[Presence], kill: bool) -> None:
        """Ask these to end; or, to ``kill``, see to it."""
        ...
