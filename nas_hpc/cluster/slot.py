"""A slot: takes one trial after another from the queue and has its warm child train them."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from nas_hpc.cluster import spool
from nas_hpc.cluster.neighbours import Neighbours
from nas_hpc.cluster.presence import Presence, State, retirement
from nas_hpc.cluster.spool import Claim
from nas_hpc.cluster.warm_child import ChildEnded, WarmChild
from nas_hpc.experiment import Experiment
from nas_hpc.store import (
    DiskFull,
    Identity,
    Outcome,
    Room,
    RunFolder,
    Status,
    done_without,
    write_outcome,
)

SHORTEST_WAIT = 0.005
"""Seconds between two looks at the queue right after work."""

A_MOMENT = 2.0
"""Seconds within which all processes of a task are told to end."""

THE_SEARCH = "the search is told to end now"
"""Ends a slot so that what it was doing waits again, as if it had not been begun."""


class Dismissed(RuntimeError):
    """The slot must end at once."""


@dataclass(frozen=True)
class Terms:
    """How a slot may work.

    Attributes:
        environment: of its children.
        until: when its time is up, seconds since 1970.
        most_trials: after so many it ends.
        most_lost: after so many lost trials in a row it ends: its machine may be to blame.
        longest_wait: seconds between two looks when it is quiet.
        interruptions_count: a trial that the slot's end interrupts has used up an attempt.
        neighbours: file of `Neighbours`; None: the slot has none.
    """

    environment: Mapping[str, str]
    until: float = math.inf
    most_trials: float = math.inf
    most_lost: float = math.inf
    longest_wait: float = 0.5
    interruptions_count: bool = False
    neighbours: Path | None = None


class Slot:
    """The process that takes trials; it makes itself known before it takes the first one.

    Args:
        folder: of the search.
        name: of the slot, never used before.
        experiment: the search's configuration.
        terms: how it may work.
    """

    def __init__(self, folder: RunFolder, name: str, experiment: Experiment, terms: Terms) -> None:
        self._folder = folder
        self._name = name
        self._experiment = experiment
        self._terms = terms
        self._identity = Identity.mine()
        self._started = time.time()
        self._trials = 0
        self._lost_in_a_row = 0
        self._longest = 0.0
        self._child: WarmChild | None = None
        self._signal = 0
        self._room = Room(folder.root, told_to_end=self._must_end)
        self._neighbours = Neighbours(terms.neighbours)

    def serve(self) -> None:
        """Take trials until told to end, until there has been none for a while, or time is up.

        Raises:
            RuntimeError: the child cannot start; it has said why on standard error.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGUSR2, self._on_signal)  # Slurm's, shortly before the time limit
        self._announce("starting")
        try:
            child = self._start_child()
            wait, worked = 0.0, time.monotonic()
            while not self._has_done_its_part():
                child = self._rest(child, wait)
                if not self._neighbours.join():
                    wait, worked = self._terms.longest_wait, time.monotonic()
                    continue
                claim = self._room.awaited(spool.claim, self._folder, self._name)
                if claim is not None:
                    child = self._attempt(self._be_alone(child, claim), claim)
                    wait, worked = 0.0, time.monotonic()
                self._neighbours.leave()
                if claim is not None:
                    continue
                idle = time.monotonic() - worked
                if idle > self._experiment.slots.idle_seconds:
                    break
                if spool.stop_request(self._folder) == "drain":
                    break
                wait = min(max(2 * wait, SHORTEST_WAIT), self._terms.longest_wait)
        except (Dismissed, DiskFull):
            pass  # told to end; on a full disk perhaps without having said how the trial ended
        finally:
            if self._child is not None:
                self._child.kill()
        with done_without("saying that the slot has ended"):
            self._announce("ended")

    def _be_alone(self, child: WarmChild, claim: Claim) -> WarmChild:
        """Wait until no neighbour trains, if the trial is to be trained alone.

        Raises:
            Dismissed: the trial waits again for another slot.
        """
        if claim.alone(self._folder):
            self._neighbours.leave()
            try:
                while not self._neighbours.be_alone():
                    child = self._rest(child, self._terms.longest_wait)
            except Dismissed:
                self._give_back(claim)
                raise
        return child

    def _attempt(self, child: WarmChild, claim: Claim) -> WarmChild:
        """Have one trial trained, and see to it that an outcome is there; the child for the next.

        Raises:
            Dismissed: the trial waits again for another slot.
        """
        began = time.time()
        self._trials += 1
        limit = self._experiment.slots.trial_seconds
        child.train(claim.path(self._folder), claim.attempt)
        try:
            answer = None
            while answer is None:
                if limit is not None and time.time() - began > limit:
                    child.kill()
                    reason = f"not finished within slots.trial_seconds = {limit:g}"
                    self._conclude(claim, began, "diverged", reason)
                    return self._start_child()
                answer = self._listen(child, self._terms.longest_wait)
                if answer is not None and "waits" in answer:  # for room on the disk
                    answer = limit = None
        except ChildEnded as ended:
            self._lost_in_a_row += 1
            self._conclude(claim, began, ended.status, ended.reason)
            return self._start_child()
        except Dismissed as dismissed:
            child.kill()
            if self._terms.interruptions_count and str(dismissed) != THE_SEARCH:
                self._conclude(claim, began, "lost", str(dismissed))
            else:
                self._give_back(claim)
            raise
        self._longest = max(self._longest, time.time() - began)
        self._lost_in_a_row = 1 + self._lost_in_a_row if answer.get("status") == "lost" else 0
        if answer.get("status") == "ok":
            return child
        child.dismiss()
        return self._start_child()

    def _give_back(self, claim: Claim) -> None:
        """Let the trial wait again, unless it has ended or was judged lost in the meantime."""
        if not spool.has_ended(self._folder, claim):
            spool.release(self._folder, claim)

    def _conclude(self, claim: Claim, began: float, status: Status, reason: str) -> None:
        """Write the outcome of a child that cannot any more, unless it had when it ended."""
        if spool.has_ended(self._folder, claim):
            return
        ended = time.time()
        outcome = Outcome(
            trial=claim.trial,
            status=status,
            reward=self._experiment.reward.failure if status == "diverged" else math.nan,
            reason=reason,
            attempt=claim.attempt,
            started=began,
            ended=ended,
            seconds=ended - began,
            slot=self._name,
            devices=self._experiment.slots.devices,
            host=self._identity.host,
        )
        self._room.awaited(write_outcome, spool.outcome_path(self._folder, claim.trial), outcome)

    def _start_child(self) -> WarmChild:
        child = self._child = WarmChild(self._folder, self._name, self._terms.environment)
        try:
            answer = None
            while answer is None:
                answer = self._listen(child, self._terms.longest_wait)
        except ChildEnded as ended:
            if ended.told_to:
                self._heed_what_the_child_heard()
            self._announce("failed")
            raise RuntimeError(f"children cannot start in slot {self._name}: {ended}") from None
        self._announce("ready")
        return child

    def _heed_what_the_child_heard(self) -> None:
        """Slurm tells all processes of a task to end, and the child may hear it first.

        Raises:
            Dismissed: the slot has heard it too.
        """
        began = time.monotonic()
        while time.monotonic() - began < A_MOMENT:
            if why := self._must_end():
                raise Dismissed(why)
            time.sleep(SHORTEST_WAIT)

    def _rest(self, child: WarmChild, seconds: float) -> WarmChild:
        """Sleep; a child that ends meanwhile is replaced."""
        with contextlib.suppress(ChildEnded):
            self._listen(child, seconds)
            return child
        return self._start_child()

    def _listen(self, child: WarmChild, seconds: float) -> dict[str, object] | None:
        """The child's next answer, if one comes within so many seconds.

        Raises:
            ChildEnded: see `WarmChild.answer`.
            Dismissed: the slot must end at once.
        """
        if why := self._must_end():
            raise Dismissed(why)
        return child.answer(seconds)

    def _must_end(self) -> str:
        """Why the slot must end at once; empty if it need not."""
        if spool.stop_request(self._folder) == "now":
            return THE_SEARCH
        if time.time() >= self._terms.until:
            return f"the time of slot {self._name} is up"
        return f"slot {self._name} was told to end by signal {self._signal}" * bool(self._signal)

    def _has_done_its_part(self) -> bool:
        """Whether to take no further trial; one that would not fit is left to another slot."""
        return (
            retirement(self._folder, self._name).exists()
            or self._trials >= self._terms.most_trials
            or self._lost_in_a_row >= self._terms.most_lost
            or time.time() + self._longest >= self._terms.until
        )

    def _announce(self, state: State) -> None:
        child = None if self._child is None else self._child.identity
        ended = time.time() if state in ("ended", "failed") else math.nan
        presence = Presence(self._name, self._identity, child, state, self._started, ended)
        self._room.awaited(presence.announce, self._folder)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
