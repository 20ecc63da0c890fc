"""The ledger of a search: what its slots and the attempts in them have cost, and were good for.

All sums are in device-seconds: a slot or an attempt costs the time that it takes times the GPUs
that it occupies, a share where several children share one, and 1 where there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from statistics import median

from nas_hpc.store import Outcome, SearchLog, SlotUse


@dataclass(frozen=True)
class Waits:
    """How long some things have waited in a queue, in seconds."""

    n: int
    median: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Waits | None:
        """None of none. Clocks of two machines may differ: no wait is below 0."""
        found = [max(0.0, wait) for wait in seconds]
        return cls(len(found), median(found), max(found)) if found else None


@dataclass(frozen=True)
class Ledger:
    """What a search has cost so far.

    Attributes:
        attempts: device-seconds of all attempts that have ended; what ``budget.device_hours``
            bounds.
        useful: of these, of attempts that answered.
        wasted: of the others, by status.
        elsewhere: attempts in slots whose life is not recorded: they live on, or were not noted.
        lives: device-seconds of all slots that have ended.
        slot_waits: between being asked for and starting, of slots that started.
        trial_waits: between being sampled and the start of the first attempt.
        jobs: Slurm's numbers of the slots' tasks.
    """

    attempts: float
    useful: float
    wasted: Mapping[str, float]
    elsewhere: float
    lives: float
    slot_waits: Waits | None
    trial_waits: Waits | None
    jobs: frozenset[str]

    @classmethod
    def of(cls, log: SearchLog) -> Ledger:
        """Of everything that a search has recorded."""
        ended_at = _last_ends(log.slots)
        wasted: defaultdict[str, float] = defaultdict(float)
        useful = elsewhere = 0.0
        for attempt in log.outcomes:
            if attempt.answers:
                useful += attempt.device_seconds
            else:
                wasted[attempt.status] += attempt.device_seconds
            if attempt.started > ended_at.get(attempt.slot, -1.0):
                elsewhere += attempt.device_seconds
        return cls(
            attempts=useful + sum(wasted.values()),
            useful=useful,
            wasted=dict(wasted),
            elsewhere=elsewhere,
            lives=sum(life.device_seconds for life in log.slots),
            slot_waits=Waits.of(
                life.started - life.submitted for life in log.slots if not isnan(life.started)
            ),
            trial_waits=Waits.of(_trial_waits(log)),
            jobs=frozenset(life.job for life in log.slots if life.job),
        )

    @property
    def used(self) -> float:
        """Whole lives of slots, and the attempts in slots that have none yet."""
        return self.lives + self.elsewhere

    @property
    def idle(self) -> float:
        """Of `lives`, the time without a child that trained: starting, and waiting for trials."""
        return max(0.0, self.used - self.attempts)

    @property
    def utilisation(self) -> float | None:
        """Share of `lives` in which children trained; None before a slot has ended."""
        return None if self.lives <= 0 else (self.attempts - self.elsewhere) / self.lives


def _last_ends(lives: Iterable[SlotUse]) -> dict[str, float]:
    """When each slot ended last; Slurm may start one again under its old name."""
    ends: defaultdict[str, float] = defaultdict(float)
    for life in lives:
        ends[life.slot] = max(ends[life.slot], life.ended)
    return ends


def _trial_waits(log: SearchLog) -> list[float]:
    sampled = {sample.number: sample.time for sample in log.samples}
    started: dict[int, Outcome] = {}
    for attempt in log.outcomes:
        started.setdefault(attempt.trial, attempt)
    return [first.started - sampled[trial] for trial, first in started.items() if trial in sampled]
