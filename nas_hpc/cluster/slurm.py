"""Slots as tasks of Slurm arrays."""

from __future__ import annotations

import logging
import math
import os
import re
import time
from collections.abc import Collection, Sequence

from nas_hpc.cluster import jobs
from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.environment import submitter_environment
from nas_hpc.cluster.jobs import Job, NoAnswer
from nas_hpc.cluster.place import Bounds, Handle
from nas_hpc.cluster.poller import Poller
from nas_hpc.cluster.presence import Presence
from nas_hpc.experiment import Arrays

logger = logging.getLogger(__name__)

SMALLEST_LIMIT = 1001
"""Tasks of an array where Slurm does not tell; its own default."""

STUCK = r"(?i)held|limit|constraints|invalid|never|unavailable"
"""In Slurm's reasons why a task waits: somebody must see to it."""

SUBMISSION_SECONDS = 5.0
"""After an intent, before the queue is searched for its jobs."""

ENDING_SECONDS = 2.0
"""Least time between two questions when tasks are told to end and somebody waits for that."""

LATE_SECONDS, LATEST_SECONDS = 120.0, 600.0
"""After an intent, jobs that the controller, or the accounting, does not list were never taken."""


class Slurm:
    """A `Place`; a task's handle is its job number, and when it was submitted.

    What Slurm does not tell is not known: a slot is taken to live until Slurm says otherwise. Then
    its last files may still be on their way here, so it is gone only after ``grace_seconds``.
    """

    name = "slurm"

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._poller = Poller(lambda names: jobs.ask(arrays.poll_with, names), arrays.poll_seconds)
        self._missed: dict[str, float] = {}
        self._named: set[str] = set()
        self._cancelled: dict[bool, set[str]] = {False: set(), True: set()}
        self.bounds = Bounds(
            slots=arrays.max_running,
            waiting=arrays.max_queued,
            batch=largest_array(),
            together=arrays.trials_per_gpu,
            gather_seconds=arrays.gather_seconds,
            queues=True,
            census_seconds=min(5.0, arrays.poll_seconds),
            patience=30.0,
        )

    @property
    def asked(self) -> int:
        """Questions put to Slurm so far."""
        return self._poller.asked

    def environment(self) -> dict[str, str]:
        return submitter_environment(os.environ, self._arrays.environment)

    def see(self, batches: Collection[Batch]) -> None:
        self._poller.watch([batch.name for batch in batches])
        latest = self._poller.latest
        for job in latest.jobs.values() if latest else ():
            if job.waiting and re.search(STUCK, job.reason) and job.reason not in self._named:
                self._named.add(job.reason)
                logger.warning("%s waits, and may not start by itself: %s", job.name, job.reason)

    def find(self, batch: Batch) -> list[Handle] | None:
        latest = self._poller.latest
        if latest is None or latest.asked < batch.time + SUBMISSION_SECONDS:
            return None
        found = [number for number, job in latest.jobs.items() if job.name == batch.name]
        if not found:
            sure = LATE_SECONDS if latest.complete else LATEST_SECONDS
            return [] if latest.asked > batch.time + sure else None
        array, is_array, _ = found[0].partition("_")
        numbers = [f"{array}_{task}" if is_array else array for task in range(len(batch.tasks))]
        return [{"job": number, "submitted": batch.time} for number in numbers]

    def active(self, handle: Handle) -> bool:
        job = self._job(handle["job"], handle["submitted"])
        return job is None or (job.active and not job.completing)

    def alive(self, presence: Presence) -> bool:
        if presence.state not in ("starting", "ready"):
            return False
        job = self._of(presence)
        return job is None or (job.active and not job.waiting and not job.completing)

    def gone(self, presence: Presence, superseded: bool) -> bool:
        """See `Place`; a second answer of Slurm, ``grace_seconds`` later, must say the same."""
        if presence.state in ("ended", "failed"):
            return True  # it said so after its last file
        latest = self._poller.latest
        if latest is None or (self.alive(presence) and not superseded):
            self._missed.pop(presence.slot, None)
            return False
        missed = self._missed.setdefault(presence.slot, latest.asked)
        return latest.asked - missed >= self._arrays.grace_seconds

    def state(self, handle: Handle | None, presence: Presence | None) -> str:
        job = self._of(presence) if presence else self._of_handle(handle)
        if presence is not None and presence.state in ("ended", "failed"):
            return {"ended": "COMPLETED", "failed": "FAILED"}[presence.state]
        if presence is not None and job is not None and job.waiting:
            return "REQUEUED"  # what waits now is another slot
        return job.state if job else "UNKNOWN"

    def life(self, handle: Handle | None, presence: Presence | None) -> tuple[float, float]:
        job = self._of(presence) if presence else self._of_handle(handle)
        now = time.time()
        known = job is not None and not job.active and job.ended <= now
        ended = job.ended if job is not None and known else now
        if presence is None:
            return math.nan, ended
        # The task's time counts from its start, before its slot could make itself known.
        started = [presence.started, *([job.started] if job and job.started > 0 else [])]
        return min(started), ended if math.isnan(presence.ended) else presence.ended

    def end(self, handles: Sequence[Handle], presences: Sequence[Presence], kill: bool) -> None:
        """Cancel what still waits for its start; or, to ``kill``, all. Slurm sees to it."""
        numbers = {handle["job"] for handle in handles if kill or self._waits(handle)}
        numbers |= {seen.identity.job for seen in presences if kill and self.alive(seen)}
        numbers -= self._cancelled[kill]
        try:
            if numbers:
                jobs.run(["scancel", *sorted(numbers)])
                self._cancelled[kill] |= numbers
        except NoAnswer as reason:  # it also complains of what has ended in the meantime
            logger.warning("scancel: %s", reason)
        try:
            self._poller.hurry(0.0 if numbers else ENDING_SECONDS)
        except NoAnswer as reason:
            logger.warning("Slurm does not answer: %s", reason)

    def _waits(self, handle: Handle) -> bool:
        job = self._of_handle(handle)
        return job is None or job.waiting

    def _of(self, presence: Presence) -> Job | None:
        return self._job(presence.identity.job, presence.started)

    def _of_handle(self, handle: Handle | None) -> Job | None:
        return None if handle is None else self._job(handle["job"], handle["submitted"])

    def _job(self, number: str, since: float) -> Job | None:
        """What is known of a job that was there at a time; None if nothing is."""
        latest = self._poller.latest
        if latest is None or latest.asked < since:
            return None
        if number in latest.jobs:
            return latest.jobs[number]
        if latest.complete:
            return Job(name="", state="GONE", started=since, ended=latest.asked)
        return None


def largest_array() -> int:
    """Tasks that one array may have on this cluster."""
    try:
        settings = jobs.run(["scontrol", "show", "config"])
    except NoAnswer:
        return SMALLEST_LIMIT
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize":
            return int(value)
    return SMALLEST_LIMIT
