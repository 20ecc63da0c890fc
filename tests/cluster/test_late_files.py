"""Outcomes that are seen late: on a shared file system, after the task that wrote them is gone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nas_hpc.cluster import Pool, spool
from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.presence import Presence
from nas_hpc.cluster.slurm import Slurm
from nas_hpc.experiment import Arrays
from nas_hpc.store import Identity, Outcome, write_outcome
from tests.cluster.lab import Lab, collect, until

SLOT, JOB = "000001-001-0", "7_0"


class Task:
    """A slot in an array's task on another machine, which has claimed trial 1."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lab = Lab(place)
        self._jobs = place / "jobs"
        commands = place / "bin"
        commands.mkdir()
        for name, script in (("squeue", f"cat {self._jobs}"), ("scontrol", "true")):
            (commands / name).write_text(f"#!/bin/sh\n{script}\n")
            (commands / name).chmod(0o700)
        monkeypatch.setenv("PATH", str(commands), prepend=":")
        folder = self.lab.folder
        self._batch = Batch.new(folder, "nas-search-000001-001", ((SLOT,),), "slurm")
        self._batch.answer([{"job": JOB, "submitted": time.time()}])
        self.runs(True)
        elsewhere = Identity("node7", "another boot", 4321, 99, "somebody", job=JOB)
        Presence(SLOT, elsewhere, None, "ready", started=time.time()).announce(folder)
        spool.enqueue(folder, self.lab.spec(1))
        assert spool.claim(folder, SLOT) is not None

    def runs(self, running: bool) -> None:
        """What squeue says from now on."""
        line = f"{JOB}|RUNNING|{time.time():.0f}|N/A|None|{self._batch.name}\n"
        self._jobs.write_text(line if running else "")

    def pool(self, grace: float) -> Pool:
        arrays = Arrays(poll_seconds=1, grace_seconds=grace)
        slots = self.lab.experiment.slots.model_copy(update={"executor": "slurm", "arrays": arrays})
        return Pool(self.lab.folder, slots, Slurm(arrays), epoch=2)

    def until_seen_gone(self, pool: Pool) -> None:
        """Nothing is judged on the way."""

        def seen() -> bool:
            assert pool.poll() == []
            return pool.slots_alive() == 0

        assert pool.poll() == [] and pool.slots_alive() == 1
        self.runs(False)
        until(seen, "Slurm to say that the task is gone")


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(tmp_path, monkeypatch)


def test_an_outcome_that_appears_after_its_task_is_gone_counts(task: Task) -> None:
    pool = task.pool(grace=600)
    task.until_seen_gone(pool)
    until_later = time.monotonic() + 2.5  # a few more looks at the slots
    while time.monotonic() < until_later:
        assert pool.poll() == []
    path = spool.outcome_path(task.lab.folder, 1)
    write_outcome(path, Outcome(1, "ok", 0.5, attempt=1, slot=SLOT, ended=time.time()))
    (outcome,) = collect(pool, 1)
    assert (outcome.status, outcome.reward) == ("ok", 0.5)
    assert spool.claims(task.lab.folder) == [] and spool.queued(task.lab.folder) == []
    assert pool.poll() == []


def test_without_one_the_trial_is_lost_after_the_grace_period(task: Task) -> None:
    pool = task.pool(grace=2)
    task.until_seen_gone(pool)
    (outcome,) = collect(pool, 1)
    assert (outcome.trial, outcome.status, outcome.attempt) == (1, "lost", 1)
    assert outcome.reason == f"slot {SLOT} is gone: GONE"
    assert spool.claims(task.lab.folder) == []
