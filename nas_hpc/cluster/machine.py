"""Slots as processes of this machine, in submitit's local jobs."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Collection, Sequence

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.environment import slot_environment
from nas_hpc.cluster.place import Bounds, Handle
from nas_hpc.cluster.presence import Presence
from nas_hpc.store import Identity

UNANSWERED_SECONDS = 120.0
"""Age at which the files of a submission that never answered are cleared away."""


class Machine:
    """A `Place`; a task's handle is the process that submitit watches it with."""

    name = "local"

    def __init__(self, slots: int) -> None:
        self.bounds = Bounds(slots=slots, waiting=slots, batch=slots)

    def environment(self) -> dict[str, str]:
        return slot_environment(os.environ)

    def see(self, batches: Collection[Batch]) -> None:
        return

    def find(self, batch: Batch) -> list[Handle] | None:
        # What it has started makes itself known; the others never will.
        return [] if time.time() - batch.time > UNANSWERED_SECONDS else None

    def active(self, handle: Handle) -> bool:
        return Identity(**handle).alive()

    def alive(self, presence: Presence) -> bool:
        return presence.alive

    def gone(self, presence: Presence, superseded: bool) -> bool:
        return presence.gone

    def state(self, handle: Handle | None, presence: Presence | None) -> str:
        if presence is None:
            return "never started"
        return presence.state if presence.state in ("ended", "failed") else "its process has ended"

    def life(self, handle: Handle | None, presence: Presence | None) -> tuple[float, float]:
        if presence is None:
            return math.nan, time.time()
        return presence.started, time.time() if math.isnan(presence.ended) else presence.ended

    def end(self, handles: Sequence[Handle], presences: Sequence[Presence], kill: bool) -> None:
        for seen in presences:
            if seen.identity.alive():
                os.kill(seen.identity.pid, signal.SIGKILL if kill else signal.SIGTERM)
        for handle in handles:  # they pass it on to slots that are not there yet
            watcher = Identity(**handle)
            if watcher.alive():
                os.kill(watcher.pid, signal.SIGTERM)
