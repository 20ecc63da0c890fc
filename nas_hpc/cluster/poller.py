"""Asks Slurm again and again, in a thread: whoever waits for its answer does nothing else."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from nas_hpc.cluster.jobs import NoAnswer, Snapshot

logger = logging.getLogger(__name__)


class Poller:
    """The latest that Slurm has said of some jobs.

    However many jobs there are, it is one command each time; and none while there are no jobs.

    Args:
        ask: asks for the jobs of some names.
        seconds: between the end of one question and the next.

    Attributes:
        latest: None before the first answer.
        asked: how many questions were put.
    """

    def __init__(self, ask: Callable[[Collection[str]], Snapshot], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._names: frozenset[str] = frozenset()
        self._last = -math.inf
        self._silent = False
        self._thread: threading.Thread | None = None
        self.latest: Snapshot | None = None
        self.asked = 0

    def watch(self, names: Collection[str]) -> None:
        """From now on ask for these."""
        self._names = frozenset(names)
        if names and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="slurm poller", daemon=True)
            self._thread.start()

    def hurry(self, seconds: float) -> None:
        """Ask now, and wait for the answer; but not if the last one is fewer seconds old.

        Raises:
            NoAnswer: there is none.
        """
        if time.monotonic() - self._last >= seconds:
            self.latest = self._answer()

    def _run(self) -> None:
        while True:
            if self._names:
                self._ask_once()
            else:
                self._last = time.monotonic()
            while (left := self._last + self._seconds - time.monotonic()) > 0:
                time.sleep(left)

    def _answer(self) -> Snapshot:
        self.asked += 1
        began = time.time()  # before the names are read: names that come later were not asked for
        try:
            return replace(self._ask(self._names), asked=began)
        finally:
            self._last = time.monotonic()

    def _ask_once(self) -> None:
        try:
            latest = self._answer()
        except NoAnswer as reason:
            if not self._silent:
                logger.warning("Slurm does not answer, so nothing is decided: %s", reason)
            self._silent = True
            return
        if self._silent:
            logger.warning("Slurm answers again")
        self._silent = False
        if self.latest is None or latest.asked > self.latest.asked:
            self.latest = latest
