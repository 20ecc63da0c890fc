"""Trials inside the calling process, one after another: for debugging and quick checks."""

from __future__ import annotations

import heapq
import importlib
from collections.abc import Sequence

from nas_hpc.cluster import spool
from nas_hpc.cluster.executor import TrialSpec
from nas_hpc.cluster.spool import Claim
from nas_hpc.experiment import Experiment
from nas_hpc.store import Outcome, RunFolder, SlotUse

SLOT = "debug-0"


class DebugExecutor:
    """An `Executor` whose `poll` trains the next trial itself; imports torch when it first does."""

    def __init__(self, folder: RunFolder, experiment: Experiment) -> None:
        self._folder = folder
        self._experiment = experiment
        self._waiting: list[tuple[int, TrialSpec]] = []

    def enqueue(self, specs: Sequence[TrialSpec]) -> None:
        for spec in specs:
            heapq.heappush(self._waiting, (spec.trial, spec))

    def poll(self) -> list[Outcome]:
        if not self._waiting:
            return []
        _, spec = self._waiting[0]  # stays there if the disk is too full to begin with it
        claim = Claim(spec.trial, spool.attempts(self._folder, spec.trial) + 1, SLOT)
        spool.mark_attempt(self._folder, claim)
        # By name: this layer does not depend on the one that builds networks.
        process = importlib.import_module("nas_hpc.children.process")
        outcome: Outcome = process.evaluate(
            self._experiment, self._folder, spec, claim.attempt, SLOT
        )
        heapq.heappop(self._waiting)
        return [outcome]

    def slots_ended(self) -> list[SlotUse]:
        return []

    def running(self) -> list[tuple[int, str]]:
        return []

    def acknowledge(self, outcomes: Sequence[Outcome]) -> None:
        spool.acknowledge(self._folder, outcomes, read=())

    def forget(self, trial: int) -> None:
        spool.forget(self._folder, trial, keep_log=True)

    def recover(self) -> set[int]:
        return set()

    def slots_alive(self) -> int:
        return 1

    def cancel(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self._waiting.clear()
