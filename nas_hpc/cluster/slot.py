"""A slot: takes one trial after another from the queue and has its warm child train them."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import time
from pathlib import Path
from types import FrameType

from nas_hpc.cluster import spool
from nas_hpc.cluster.environment import child_environment
from nas_hpc.cluster.presence import Presence, State, retirement
from nas_hpc.cluster.spool import Claim
from nas_hpc.cluster.warm_child import ChildEnded, WarmChild
from nas_hpc.experiment import Experiment
from nas_hpc.store import Identity, Outcome, RunFolder, Status, write_outcome

SHORTEST_WAIT = 0.005
LONGEST_WAIT = 0.5
"""Seconds between two looks at the queue: short after work, long when it is quiet."""


class Dismissed(RuntimeError):
    """The slot must end at once."""


def run_slot(run_folder: str, name: str) -> None:
    """Be a slot until there is no work; the one function that is submitted.

    Args:
        run_folder: absolute path of the search's folder.
        name: of the slot, never used before.

    Raises:
        PermissionError: others could write to the folder, and so choose what runs here.
        RuntimeError: the child cannot start; it has said why on standard error.
    """
    folder = RunFolder(Path(run_folder))
    if folder.root.stat().st_mode & 0o022:
        raise PermissionError(f"{folder.root} can be written by others; chmod go-w it")
    experiment = Experiment.model_validate_json(folder.experiment.read_text())
    Slot(folder, name, experiment).serve()


class Slot:
    """The process that `run_slot` runs in."""

    def __init__(self, folder: RunFolder, name: str, experiment: Experiment) -> None:
        self._folder = folder
        self._name = name
        self._experiment = experiment
        self._identity = Identity.mine()
        self._child: WarmChild | None = None
        self._terminated = False

    def serve(self) -> None:
        """Take trials until told to end, or until there has been none for a while."""
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self._announce("starting")
        try:
            child = self._start_child()
            wait, worked = 0.0, time.monotonic()
            while not retirement(self._folder, self._name).exists():
                child = self._rest(child, wait)
                claim = spool.claim(self._folder, self._name)
                if claim is not None:
                    child = self._attempt(child, claim)
                    wait, worked = 0.0, time.monotonic()
                    continue
                idle = time.monotonic() - worked
                if idle > self._experiment.slots.idle_seconds:
                    break
                if spool.stop_request(self._folder) == "drain":
                    break
                wait = min(max(2 * wait, SHORTEST_WAIT), LONGEST_WAIT)
        except Dismissed:
            pass
        finally:
            if self._child is not None:
                self._child.kill()
        self._announce("ended")

    def _attempt(self, child: WarmChild, claim: Claim) -> WarmChild:
        """Have one trial trained, and see to it that an outcome is there; the child for the next.

        Raises:
            Dismissed: the trial waits again for another slot.
        """
        began = time.time()
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
                answer = self._listen(child, LONGEST_WAIT)
        except ChildEnded as ended:
            self._conclude(claim, began, ended.status, ended.reason)
            return self._start_child()
        except Dismissed:
            child.kill()
            if not spool.has_ended(self._folder, claim):
                spool.release(self._folder, claim)
            raise
        if answer.get("status") == "ok":
            return child
        child.dismiss()
        return self._start_child()

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
            host=socket.gethostname(),
        )
        write_outcome(spool.outcome_path(self._folder, claim.trial), outcome)

    def _start_child(self) -> WarmChild:
        environment = child_environment(os.environ, self._experiment.slots.threads)
        child = self._child = WarmChild(self._folder, self._name, environment)
        try:
            answer = None
            while answer is None:
                answer = self._listen(child, LONGEST_WAIT)
        except ChildEnded as ended:
            self._announce("failed")
            raise RuntimeError(f"children cannot start in slot {self._name}: {ended}") from None
        self._announce("ready")
        return child

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
        if self._terminated or spool.stop_request(self._folder) == "now":
            raise Dismissed
        return child.answer(seconds)

    def _announce(self, state: State) -> None:
        child = None if self._child is None else self._child.identity
        Presence(self._name, self._identity, child, state).announce(self._folder)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self._terminated = True
