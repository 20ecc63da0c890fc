"""Trials in slots: the queue, the slots that empty it, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from nas_hpc.cluster import spool
from nas_hpc.cluster.executor import TrialSpec
from nas_hpc.cluster.fleet import Fleet
from nas_hpc.cluster.place import Place
from nas_hpc.cluster.spool import Claim
from nas_hpc.cluster.trouble import OUT_OF_MEMORY
from nas_hpc.experiment.resources import Slots
from nas_hpc.store import DamagedFile, Outcome, RunFolder, SlotUse, Status, read_outcome
from nas_hpc.store.durable import list_anew

HURRIED_SECONDS = 0.1
"""Between two looks at the slots when there is new work and a slot may be missing."""


class Pool:
    """An `Executor` with a slot for each of ``slots.count`` trials at a time.

    Args:
        folder: of the search.
        slots: of its configuration.
        place: where the slots run.
        epoch: of the session; each one needs another, since slots are named after it.
    """

    def __init__(self, folder: RunFolder, slots: Slots, place: Place, epoch: int) -> None:
        self._folder = folder
        self._count = slots.count
        self._devices = slots.devices
        self._fleet = Fleet(folder, place, slots.devices, epoch)
        self._handed_out: set[int] = set()
        self._lost_claims: set[Claim] = set()
        self._judged: set[tuple[int, int]] = set()
        self._last_census = -math.inf
        self._usual = place.bounds.census_seconds
        self._between = self._usual

    def enqueue(self, specs: Sequence[TrialSpec]) -> None:
        for spec in specs:
            spool.enqueue(self._folder, spec)
        if specs and self.slots_alive() < self._count:
            self._between = HURRIED_SECONDS

    def poll(self) -> list[Outcome]:
        census = time.monotonic() - self._last_census > self._between
        suspects = self._census() if census else []
        if suspects:  # what is missing in a listing that was made after their end never comes
            list_anew(self._folder.outcomes)
        ended = spool.outcomes(self._folder)
        lost = [claim for claim in suspects if claim.trial not in ended]
        for claim in lost:  # before any counts as handed out: the disk may be full
            spool.mark_attempt(self._folder, claim)  # in case the slot had no time to
        outcomes = [self._lose(claim) for claim in lost]
        for trial in ended - self._handed_out:
            outcome = self._read(trial)
            if not outcome.answers and (trial, outcome.attempt) in self._judged:
                # The slot says late what was told before; the trial may run again by now.
                spool.outcome_path(self._folder, trial).unlink(missing_ok=True)
                continue
            outcomes.append(outcome)
            self._handed_out.add(trial)
        return sorted(outcomes, key=lambda outcome: (outcome.ended, outcome.trial))

    def running(self) -> list[tuple[int, str]]:
        claims = spool.claims(self._folder)
        ended = spool.outcomes(self._folder)
        return [(claim.trial, claim.slot) for claim in claims if claim.trial not in ended]

    def acknowledge(self, outcomes: Sequence[Outcome]) -> None:
        spool.acknowledge(self._folder, outcomes, read=self._handed_out)
        for outcome in outcomes:
            self._handed_out.discard(outcome.trial)
            if outcome.answers:
                self._judged = {each for each in self._judged if each[0] != outcome.trial}

    def forget(self, trial: int) -> None:
        spool.forget(self._folder, trial, keep_log=True)
        self._handed_out.discard(trial)

    def recover(self) -> set[int]:
        return spool.recover(self._folder)

    def slots_ended(self) -> list[SlotUse]:
        ended, self._fleet.ended = self._fleet.ended, []
        return ended

    def slots_alive(self) -> int:
        return len(self._fleet.living) + len(self._fleet.starting)

    def cancel(self) -> None:
        self._fleet.end()

    def close(self) -> None:
        if spool.queued(self._folder) or spool.claims(self._folder):
            self._fleet.leave()
        else:
            self._fleet.end()

    def _census(self) -> list[Claim]:
        """Look after the slots; claims of slots that are gone and that `poll` must judge."""
        self._last_census, self._between = time.monotonic(), self._usual
        self._fleet.look()
        waiting = len(spool.queued(self._folder))
        claims = spool.claims(self._folder)
        gone = {claim for claim in claims if self._fleet.gone(claim.slot)}
        self._lost_claims &= gone
        if spool.stop_request(self._folder) != "now":
            self._fleet.keep(waiting + len(claims) - len(gone))
        unrecorded = {use.slot for use in self._fleet.ended}
        self._fleet.clear({claim.slot for claim in claims} | unrecorded)
        return sorted(gone - self._lost_claims)

    def _read(self, trial: int) -> Outcome:
        try:
            return read_outcome(spool.outcome_path(self._folder, trial))
        except DamagedFile as damage:
            slot = next((c.slot for c in spool.claims(self._folder) if c.trial == trial), "")
            attempt = spool.attempts(self._folder, trial)
            return self._lost(Claim(trial, attempt, slot), "lost", str(damage), time.time())

    def _lose(self, claim: Claim) -> Outcome:
        self._lost_claims.add(claim)
        self._judged.add((claim.trial, claim.attempt))
        why = self._fleet.why(claim.slot)
        status: Status = "killed" if why == OUT_OF_MEMORY else "lost"
        ended = min(time.time(), self._fleet.ended_at(claim.slot))
        return self._lost(claim, status, f"slot {claim.slot} is gone: {why}", ended)

    def _lost(self, claim: Claim, status: Status, reason: str, ended: float) -> Outcome:
        started = min(ended, spool.attempted(self._folder, claim) or ended)
        return Outcome(
            trial=claim.trial,
            status=status,
            reward=math.nan,
            reason=reason,
            attempt=claim.attempt,
            started=started,
            ended=ended,
            seconds=ended - started,
            slot=claim.slot,
            devices=self._devices,
        )
