"""One line on how the search goes, every few seconds."""

from __future__ import annotations

import time

from nas_hpc.experiment import Experiment
from nas_hpc.search.dispatcher import Dispatcher

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Prints plain lines: they end in a log file."""

    def __init__(self, experiment: Experiment, machine: Dispatcher) -> None:
        self._name = f"{experiment.name}/{experiment.search.strategy}"
        self._budget = experiment.budget
        self._machine = machine
        self._began = time.monotonic()
        self._before: int | None = None
        self._printed = 0.0

    def show(self, force: bool = False) -> None:
        """Print a line if the last one is old enough."""
        now = time.monotonic()
        if not force and now - self._printed < SECONDS_BETWEEN_LINES:
            return
        self._printed = now
        book = self._machine.book
        done = book.answered
        if self._before is None:
            self._before = done
        rewards = [t.outcome.reward for t in book.by_number.values() if t.outcome is not None]
        failed = sum(t.outcome.status != "ok" for t in book.by_number.values() if t.outcome)
        known = len(self._machine.samples) - len(book.by_number)
        rate = (done - self._before) / max(now - self._began, 1e-9)
        left = f"{(self._budget.trials - done) / rate:.0f} s left" if rate else "time left unknown"
        best = f"best reward {max(rewards):.4f}" if rewards else "no reward yet"
        limit = self._budget.device_hours
        hours = f"{book.device_seconds / 3600:.2f}" + ("" if limit is None else f" of {limit:g}")
        print(
            f"[{self._name}] {done}/{self._budget.trials} trials, "
            f"{len(book.running)} running or queued, {failed} failed, {known} known again, {best}, "
            f"{hours} device-hours, {rate * 60:.0f} a minute, {left}",
            flush=True,
        )
