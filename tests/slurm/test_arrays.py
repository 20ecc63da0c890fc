"""Slots as tasks of arrays, on the real cluster; the child needs no torch."""

import math
import os
import shutil
import stat
import sys
import time
from pathlib import Path

import pytest

from nas_hpc.cluster import SlotError, asked, spool, trouble
from nas_hpc.cluster.slurm import Slurm
from nas_hpc.experiment import Arrays
from nas_hpc.store import Outcome
from tests.cluster.lab import Lab, collect, one_trains_alone, until
from tests.slurm.lab.configuration import FEW, MAX_ARRAY_SIZE

pytestmark = pytest.mark.slurm

ROOT = Path(__file__).parents[2]


def light_submission(intent: Path) -> list[str]:
    return [sys.executable, "-m", "tests.cluster.light_submission", str(intent)]


class SlurmLab(Lab):
    """A lab whose slots are tasks of arrays."""

    def __init__(self, tmp_path: Path, **arrays: object) -> None:
        quick = {"gather_seconds": 0.3, "poll_seconds": 1.0, "grace_seconds": 1.0}
        small = {"gpus": 0, "cpus": 1, "memory_gb": 0.4, "minutes": 10, "max_running": 2}
        # The lab's submission runs a module of the tests.
        asked_for = {**quick, **small, "environment": ("PYTHONPATH",), **arrays}
        self.arrays = Arrays.model_validate(asked_for)
        slots = {"executor": "slurm", "arrays": asked_for, "count": self.arrays.max_running}
        super().__init__(tmp_path, **slots, idle_seconds=30)

    def place(self) -> Slurm:
        return Slurm(self.arrays)


@pytest.fixture
def lab(slurm, tmp_path, monkeypatch):
    """Makes labs; their jobs are gone at the end."""
    monkeypatch.setattr(asked, "command", light_submission)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made: list[SlurmLab] = []

    def make(**arrays: object) -> SlurmLab:
        made.append(SlurmLab(tmp_path, **arrays))
        return made[-1]

    yield make
    for each in made:
        each.leave()
        executor = each.pool()
        executor.cancel()
        # What Slurm has around a slot ends a moment after it.
        until(lambda each=each: not each.processes(), "the end of all processes")


@pytest.fixture
def requests(tmp_path, monkeypatch):
    """Counts the Slurm commands that are given: the real ones, behind a line in a file."""
    counted, programs = tmp_path / "requests", tmp_path / "programs"
    programs.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} >> {counted}\nexec {shutil.which(name)} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return lambda: counted.read_text().split()


def poll_until(pool, condition, what: str) -> list[Outcome]:
    outcomes: list[Outcome] = []

    def met() -> bool:
        came = pool.poll()
        pool.slots_ended()
        pool.acknowledge(came)
        outcomes.extend(came)
        return condition()

    until(met, what)
    return outcomes


@pytest.mark.parametrize("ask", ["squeue", "sacct"])
def test_one_that_answers_is_enough(lab, ask):
    lab = lab(poll_with=ask)
    pool = lab.pool()
    pool.enqueue([lab.spec(i) for i in range(6)])
    assert {outcome.status for outcome in collect(pool, 6)} == {"ok"}
    pool.close()
    uses = pool.slots_ended()
    assert {use.job.partition("_")[2] for use in uses} == {"0", "1"}  # one array of two
    assert {use.state for use in uses} == {"COMPLETED"}
    assert all(use.submitted <= use.started <= use.ended for use in uses)
    assert {use.host for use in uses} <= {"n1", "n2", "n3", "n4"}
    assert lab.files() == set()


def test_an_answer_to_an_earlier_question_says_nothing_of_a_new_task(lab):
    """Slurm is asked several times between a submission and the next look at its answers."""
    lab = lab(sbatch={"begin": "now+8"})
    pool = lab.pool()
    pool._usual = 4.0
    for gate in ("one", "other"):
        pool.enqueue([lab.spec(len(gate), gate=gate)])
        until(lambda gate=gate: not pool.poll() and lab.reached(gate), "the trial to run")
    lab.open("one")
    lab.open("other")
    collect(pool, 2)
    pool.close()
    assert [use.state for use in pool.slots_ended()] == 2 * ["COMPLETED"]


def test_hundreds_in_flight_take_few_requests(lab, requests, slurm):
    """400 tasks in arrays of at most MaxArraySize, and one question now and then for all of them.

    Each takes a whole node, so that four run and the others wait.
    """
    lab = lab(max_running=400, max_queued=400, poll_seconds=2.0, cpus=8)
    pool = lab.pool()
    pool.enqueue([lab.spec(i, gate="never") for i in range(400)])
    began = time.monotonic()

    def numbers() -> list[int]:
        """Of our tasks in the queue, within their arrays."""
        batches = {path.stem for path in lab.folder.jobs.glob("nas-*.json") if "." not in path.stem}
        listed = slurm.run("squeue", "--noheader", "--array", "--format=%j|%K").splitlines()
        pairs = [line.split("|") for line in listed]
        return [int(number) for name, number in pairs if name in batches]

    poll_until(pool, lambda: len(numbers()) == 400, "400 tasks in flight")
    assert pool.slots_alive() == 400
    assert max(numbers()) < MAX_ARRAY_SIZE
    poll_until(pool, lambda: lab.reached("never"), "a trial to run")
    poll_until(pool, lambda: time.monotonic() - began > 20, "some polls")
    given, seconds = requests(), time.monotonic() - began
    assert given.count("sbatch") == math.ceil(400 / MAX_ARRAY_SIZE)
    assert 3 <= given.count("squeue") <= seconds / 2.0 + 1
    assert set(given) <= {"sbatch", "squeue", "scontrol"} and given.count("scontrol") == 1
    began = time.monotonic()
    pool.cancel()
    ending, seconds = requests()[len(given) :], time.monotonic() - began
    assert ending.count("scancel") <= 2
    assert ending.count("squeue") <= 2 + seconds / 2.0 + 1


def test_a_quota_is_waited_for(lab, slurm, caplog):
    """Of twelve tasks the quality of service lets eight in: they do all the work."""
    lab = lab(max_running=12, max_queued=12, sbatch={"qos": "few"})
    pool = lab.pool()
    pool.enqueue([lab.spec(i, "work") for i in range(24)])
    assert {outcome.status for outcome in collect(pool, 24)} == {"ok"}
    assert len(pool._fleet.living) <= FEW
    assert "QOSMaxSubmitJobPerUserLimit" in caplog.text
    pool.close()


def test_no_more_tasks_wait_than_may(lab):
    lab = lab(max_running=6, max_queued=2)
    pool = lab.pool()
    pool.enqueue([lab.spec(i, gate=f"gate {i}") for i in range(6)])
    waiting = []

    def all_run() -> bool:
        waiting.append(len(pool._fleet.starting))
        return all(lab.reached(f"gate {i}") for i in range(6))

    poll_until(pool, all_run, "six trials to run")
    assert max(waiting) == 2
    for i in range(6):
        lab.open(f"gate {i}")
    assert len(collect(pool, 6)) == 6
    pool.close()


def test_a_task_that_is_cancelled_costs_an_attempt(lab, slurm):
    lab = lab(max_running=1)
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="never")])
    poll_until(pool, lambda: lab.reached("never"), "the trial to run")
    (seen,) = lab.presences()
    slurm.scancel(seen.identity.job)
    (lost,) = collect(pool, 1)
    assert (lost.status, lost.attempt) == ("lost", 1)
    assert "told to end by signal 15" in lost.reason or "CANCELLED" in lost.reason
    assert (lab.folder.trial(1) / "checkpoint").read_text() == "of epoch 1"
    lab.open("never")
    pool.enqueue([lab.spec(1)])
    (again,) = collect(pool, 1)
    assert (again.status, again.attempt) == ("ok", 2)
    assert spool.claims(lab.folder) == []
    pool.close()


def test_a_requeued_task_is_another_slot(lab, slurm):
    lab = lab(max_running=1)
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="never")])
    poll_until(pool, lambda: lab.reached("never"), "the trial to run")
    (seen,) = lab.presences()
    slurm.run("scontrol", "requeue", seen.identity.job)
    (lost,) = collect(pool, 1)
    assert (lost.trial, lost.status, lost.attempt) == (1, "lost", 1)
    lab.open("never")
    pool.enqueue([lab.spec(1)])
    (again,) = collect(pool, 1)
    assert (again.status, again.attempt) == ("ok", 2)
    pool.close()
    uses = pool.slots_ended()
    assert [use.slot for use in uses if use.job == seen.identity.job]


def test_a_preempted_trial_goes_on_elsewhere(lab, slurm, tmp_path):
    """A job of a partition with priority takes the node; Slurm requeues the task."""
    lab = lab(max_running=1, sbatch={"nodelist": "n3"})
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="never")])
    poll_until(pool, lambda: lab.reached("never"), "the trial to run")
    options = ("--partition=high", "--nodelist=n3", "--cpus-per-task=8", "--mem=7000")
    job = slurm.sbatch("sleep 3", *options, folder=tmp_path)
    (lost,) = collect(pool, 1)
    assert (lost.trial, lost.status, lost.attempt) == (1, "lost", 1)
    slurm.scancel(job)
    lab.open("never")
    pool.enqueue([lab.spec(1)])
    (again,) = collect(pool, 1)
    assert (again.status, again.attempt) == ("ok", 2)
    pool.close()


def test_time_that_is_up_is_no_fault_of_the_trial(lab):
    """A minute, of which six seconds are for ending in order."""
    lab = lab(minutes=1, max_running=1)
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="never")])
    (lost,) = collect(pool, 1)
    assert (lost.status, lost.attempt) == ("lost", 1)
    assert "time" in lost.reason or "told to end" in lost.reason
    lab.open("never")
    pool.enqueue([lab.spec(1)])
    assert [outcome.attempt for outcome in collect(pool, 1)] == [2]
    pool.close()


def test_trials_share_a_task_and_a_task_may_have_its_fill(lab):
    lab = lab(max_running=4, cpus=2, trials_per_gpu=2, trials_per_task=1, memory_gb=1.6)
    pool = lab.pool()
    pool.enqueue([lab.spec(i, gate=f"gate {i}") for i in range(4)])
    poll_until(pool, lambda: all(lab.reached(f"gate {i}") for i in range(4)), "all to run")
    jobs = [seen.identity.job for seen in lab.presences()]
    assert len(jobs) == 4 and len(set(jobs)) == 2
    for i in range(4):
        lab.open(f"gate {i}")
    outcomes = collect(pool, 4)
    assert len({outcome.slot for outcome in outcomes}) <= 4
    pool.enqueue([lab.spec(9)])
    (ninth,) = collect(pool, 1)  # by a new task: the first have had their fill
    assert ninth.status == "ok"
    pool.close()
    assert len({use.job for use in pool.slots_ended()} - set(jobs)) >= 1


def test_a_trial_is_trained_alone_in_its_task(lab):
    lab = lab(max_running=2, cpus=2, trials_per_gpu=2, memory_gb=1.6)
    pool = lab.pool()
    one_trains_alone(lab, pool)
    pool.close()
    assert len({use.job for use in pool.slots_ended()}) == 1


def test_tasks_that_can_never_start_end_the_search_with_what_slurm_said(lab, monkeypatch):
    monkeypatch.setattr(trouble, "FAILURES_IN_A_ROW", 1)
    lab = lab(partition="nowhere")
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    with pytest.raises(SlotError, match=r"(?i)invalid partition"):
        collect(pool, 1)
    pool.close()
