"""One real task like those of the children: when does it start, and can its files be seen here?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_hpc.cluster import jobs, probe, site
from nas_hpc.cluster.jobs import Job, NoAnswer
from nas_hpc.doctor.finding import Finding, failed, warning
from nas_hpc.doctor.node import ROUNDS, answer_to, call_of, listed, report_of
from nas_hpc.experiment import Arrays
from nas_hpc.store import read_json, write_json

LONGEST_PAUSE = 5.0
"""Seconds between two looks, and two questions to Slurm."""

PATIENCE = 400.0
"""Seconds for a word of a job that runs; importing torch there takes minutes on some."""

SHARED = "the folder of runs must be on a file system that compute nodes share (`runs`)"


class StillWaits(RuntimeError):
    """A job has not started."""


@dataclass
class Probe:
    """The job, and what it has said.

    Attributes:
        arrays: its settings, those of the children.
        folder: an empty folder of the file system that runs are on.
        minutes: to wait for its start.
        host: where it runs; empty before it does.
        trips: for each call, when it was put, the node's time, and when the answer was seen.
        report: see `nas_hpc.doctor.node.look`; None if there is none.
    """

    arrays: Arrays
    folder: Path
    minutes: float
    host: str = ""
    trips: list[tuple[float, float, float]] = field(default_factory=list)
    report: dict[str, Any] | None = None

    def run(self) -> Finding:
        """Submit it, wait for its start, and hear its report; it has ended on return."""
        write_json(self.folder / "arrays.json", self.arrays.model_dump(mode="json"))
        began = time.monotonic()
        try:
            job = probe.submit(self.arrays, self.folder, "nas_hpc.doctor.node")
        except NoAnswer as error:
            return failed(f"refused: {error}", "what is named here, in slurm/children.yaml")
        try:
            self._await(job, answer_to(self.folder, 0))
            waited = time.monotonic() - began
            self.host = read_json(answer_to(self.folder, 0))["host"]
            self._converse(job)
        except StillWaits:
            return self._pending(job)
        except TimeoutError as error:
            return failed(f"job {job} {error}", self._last_words() or SHARED)
        finally:
            self._end(job)
        return Finding(f"job {job} started on {self.host} after {waited:.0f} s")

    def _await(self, job: str, file: Path) -> None:
        """Wait for a file of the job.

        Raises:
            StillWaits: it did not start for too long.
            TimeoutError: it has started, and the file cannot be seen here; says what it does.
        """
        began, pause = time.monotonic(), 0.02
        silent: float | None = None
        while not listed(file):
            now = time.monotonic()
            known = self._look_up(job) if pause >= 1 else None
            if known is None or known.waiting:
                silent = None
                if now - began > 60 * self.minutes:
                    raise StillWaits
            else:
                silent = silent or now
                if now - silent > (PATIENCE if known.active else self.arrays.grace_seconds):
                    raise TimeoutError(f"is {known.state}, and {file.name} cannot be seen here")
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)

    def _look_up(self, job: str) -> Job | None:
        """What Slurm says of the job; None if nothing can be said."""
        try:
            latest = jobs.ask(self.arrays.poll_with, [probe.NAME])
        except NoAnswer:
            return None
        ended = Job(probe.NAME, "gone", latest.asked, latest.asked) if latest.complete else None
        return latest.jobs.get(job, ended)

    def _pending(self, job: str) -> Finding:
        waiting = site.in_queue(job)
        why = "squeue does not show it"
        if waiting is not None:
            why = f"reason {waiting.reason}; Slurm expects it to start {_when(waiting.start)}"
        return warning(
            f"job {job} still waits after {self.minutes:g} minutes: {why}; cancelled",
            "ask again with a longer --wait, or with less under `gpus`, `memory_gb`, `minutes` in "
            "slurm/children.yaml; nothing on a node has been checked",
        )

    def _converse(self, job: str) -> None:
        for number in range(1, ROUNDS + 1):
            asked = time.time()
            write_json(call_of(self.folder, number), {})
            self._await(job, answer_to(self.folder, number))
            there = read_json(answer_to(self.folder, number))["time"]
            self.trips.append((asked, there, time.time()))
        self._await(job, report_of(self.folder))
        self.report = read_json(report_of(self.folder))

    def _end(self, job: str) -> None:
        """See to it that nothing of the job writes into the folder any more."""
        if self.report is None:
            jobs.run(["scancel", job])
        until = time.monotonic() + PATIENCE
        while (known := self._look_up(job)) is not None and known.active:
            if time.monotonic() > until:
                raise TimeoutError(f"job {job} does not end; to end it: scancel {job}")
            time.sleep(0.5)

    def _last_words(self) -> str:
        said = probe.log(self.folder).strip().splitlines()
        return f"its last words: {said[-1]}" if said else ""


def _when(start: str) -> str:
    if not start.isdigit():
        return "at a time that it does not know"
    return time.strftime("on %Y-%m-%d at %H:%M", time.localtime(int(start)))
