"""The whole chain with real processes: pool, submission, submitit, slots, children."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from nas_hpc.cluster import Pool, SlotError, asked, spool, trouble
from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.presence import Presence
from nas_hpc.store import Identity, Outcome, RunFolder
from tests.cluster.lab import Lab, collect, one_trains_alone, until


def light_submission(intent: Path) -> list[str]:
    return [sys.executable, "-m", "tests.cluster.light_submission", str(intent)]


@pytest.fixture
def light(monkeypatch):
    """Slots whose child needs no torch, everything else as it is."""
    monkeypatch.setattr(asked, "command", light_submission)


@pytest.fixture
def lab(tmp_path):
    """A lab with one slot; whatever still runs at the end is killed."""
    lab = Lab(tmp_path, count=1)
    yield lab
    for process in lab.processes():
        process.kill()


def poll_until(pool, condition, what: str) -> list[Outcome]:
    outcomes = []

    def met() -> bool:
        outcomes.extend(pool.poll())
        pool.slots_ended()
        return condition()

    until(met, what)
    return outcomes


def test_from_trials_to_outcomes_with_nothing_left_behind(lab):
    pool = lab.pool()
    pool.enqueue([lab.spec(2), lab.spec(3, "diverge"), lab.spec(1)])
    outcomes = {outcome.trial: outcome for outcome in collect(pool, 3)}
    assert {t: (o.status, o.reward) for t, o in outcomes.items()} == {
        1: ("ok", 0.01),
        2: ("ok", 0.02),
        3: ("diverged", -1.0),
    }
    assert outcomes[1].started < outcomes[2].started < outcomes[3].started
    assert pool.slots_alive() == 1
    pool.close()
    assert pool.slots_alive() == 0
    assert lab.processes() == []
    assert lab.files() == {"trials/000000/000000003/log.txt"}
    # A later session of the same search starts where nothing is left.
    assert lab.pool().recover() == set()


def test_idle_slots_end_by_themselves_and_are_cleared_away(lab, light):
    slots = lab.experiment.slots.model_copy(update={"idle_seconds": 1.0})
    lab.experiment = lab.experiment.model_copy(update={"slots": slots})
    lab.folder.experiment.write_text(lab.experiment.model_dump_json())
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    collect(pool, 1)
    poll_until(pool, lambda: pool.slots_alive() == 0 and lab.files() == set(), "the slot to end")
    pool.close()


def test_a_submitter_may_end_long_after_its_answer(lab, monkeypatch):
    """It is looked at in between; slots are asked for again all the same."""

    def lingers(intent: Path) -> list[str]:
        return ["sh", "-c", '"$@" && sleep 1', "lingers", *light_submission(intent)]

    monkeypatch.setattr(asked, "command", lingers)
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    collect(pool, 1)
    (seen,) = lab.presences()
    os.kill(seen.identity.pid, signal.SIGKILL)
    pool.enqueue([lab.spec(2)])
    collect(pool, 1)
    pool.close()


def test_a_trial_is_trained_alone(tmp_path, light):
    lab = Lab(tmp_path, count=2)
    pool = lab.pool()
    one_trains_alone(lab, pool)
    pool.close()
    assert lab.files() == set()


def test_a_trial_that_waits_to_be_alone_waits_again_when_its_slot_is_ended(tmp_path, light):
    lab = Lab(tmp_path, count=2)
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="first"), lab.spec(2, alone=True)])
    poll_until(pool, lambda: len(pool.running()) == 2 and lab.reached("first"), "two slots")
    pool.cancel()
    assert spool.queued(lab.folder) == [1, 2] and spool.claims(lab.folder) == []
    assert spool.attempts(lab.folder, 2) == 0
    assert lab.processes() == []


def test_a_killed_slot_costs_its_trial_one_attempt(lab, light):
    pool = lab.pool()
    pool.enqueue([lab.spec(1, gate="never"), lab.spec(2, gate="open")])
    poll_until(pool, lambda: lab.reached("never"), "the trial to run")
    (seen,) = lab.presences()
    assert pool.running() == [(1, seen.slot)]
    os.kill(seen.identity.pid, signal.SIGKILL)
    (lost,) = poll_until(pool, lambda: lab.reached("open"), "another slot to go on")
    assert (lost.trial, lost.status, lost.attempt) == (1, "lost", 1)
    assert lost.reason == f"slot {seen.slot} is gone: its process has ended"
    assert seen.gone
    pool.acknowledge([lost])
    assert (lab.folder.trial(1) / "checkpoint").read_text() == "of epoch 1"
    pool.enqueue([lab.spec(1)])
    lab.open("open")
    outcomes = {outcome.trial: outcome for outcome in collect(pool, 2)}
    assert (outcomes[1].status, outcomes[1].attempt) == ("ok", 2)
    assert (outcomes[2].status, outcomes[2].attempt) == ("ok", 1)
    pool.close()


def test_cancelled_slots_put_their_trials_back(lab, light):
    pool = lab.pool()
    pool.enqueue([lab.spec(1, "fork", gate="never"), lab.spec(2)])
    poll_until(pool, lambda: lab.reached("never"), "the trial to run")
    helper = Identity.of(int((lab.gates / "never.helper").read_text()))
    pool.cancel()
    assert pool.slots_alive() == 0
    assert lab.processes() == []
    until(lambda: not helper.alive(), "what the child had started to end")
    assert spool.queued(lab.folder) == [1, 2]
    assert pool.recover() == {1, 2}
    assert pool.poll() == []
    assert spool.attempts(lab.folder, 1) == 0
    pool.cancel()
    pool.close()


DISPATCHER = """
    import os, sys, time
    from pathlib import Path
    from tests.cluster.lab import Lab
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    lab = Lab.__new__(Lab)
    lab.resume(Path(sys.argv[1]))
    pool = lab.pool()
    pool.enqueue([lab.spec(1, "environment", gate="open"), lab.spec(2)])
    while True:
        pool.poll()
        time.sleep(0.01)
"""


def test_children_survive_whoever_started_them_and_are_adopted(lab):
    """mpiexec kills the whole process group; the next session finds everything as it was."""
    command = [sys.executable, "-c", textwrap.dedent(DISPATCHER), str(lab.tmp_path)]
    environment = os.environ | {"PMI_RANK": "3", "OMP_NUM_THREADS": "64", "PYTHONPATH": os.getcwd()}
    dispatcher = subprocess.Popen(command, start_new_session=True, env=environment)
    until(lambda: lab.reached("open"), "the trial to run")
    (seen,) = lab.presences()
    os.killpg(dispatcher.pid, signal.SIGKILL)
    dispatcher.wait()

    lab.epoch = 1
    pool = lab.pool()
    assert pool.recover() == {1, 2}
    assert pool.running() == [(1, seen.slot)]
    assert pool.slots_alive() == 1
    assert seen.alive and seen.child.alive()
    assert psutil.Process(seen.child.pid).cpu_affinity() == list(range(os.cpu_count() or 1))
    (watch,) = (p for p in lab.processes() if "submitit.local._local" in p.cmdline())
    assert int(watch.environ()["SUBMITIT_LOCAL_TIMEOUT_S"]) >= 365 * 24 * 3600
    lab.open("open")
    outcomes = collect(pool, 2)
    assert [(o.trial, o.status, o.attempt, o.slot) for o in outcomes] == [
        (1, "ok", 1, seen.slot),
        (2, "ok", 1, seen.slot),
    ]
    assert [p.identity for p in lab.presences()] == [seen.identity]
    inherited = (lab.gates / "open.environment").read_bytes().split(b"\0")
    assert not [entry for entry in inherited if entry.startswith((b"PMI_", b"PYTHONPATH"))]
    assert b"OMP_NUM_THREADS=1" in inherited
    pool.close()
    assert lab.processes() == []
    assert lab.files() == set()


def test_a_submitter_killed_before_its_answer(lab, light, monkeypatch):
    """Its slots are adopted, too many of them retired, and the bound on slots holds in the end."""
    folder = lab.folder
    tasks = (("000001-001-0",), ("000001-001-1",))
    batch = Batch.new(folder, "nas-0-000001-001", tasks, "local")
    command = [*light_submission(batch.intent), "killed"]
    assert subprocess.run(command, start_new_session=True).returncode == -signal.SIGKILL
    assert batch.answered() is None
    lab.epoch = 1
    pool = lab.pool()
    poll_until(pool, lambda: len(lab.presences()) == 2, "both slots")
    pool.enqueue([lab.spec(1), lab.spec(2)])
    assert {outcome.status for outcome in collect(pool, 2)} == {"ok"}
    poll_until(pool, lambda: sum(p.alive for p in lab.presences()) == 1, "the surplus to retire")
    assert pool.poll() == []
    monkeypatch.setattr("nas_hpc.cluster.machine.UNANSWERED_SECONDS", 0.0)
    pool.close()
    assert lab.files() == set()
    until(lambda: not lab.processes(), "the processes that submitit watches slots with to end")


def test_a_submitter_killed_at_once_is_followed_by_another(lab, light):
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    pool.poll()
    assert pool.slots_alive() == 1
    (submitter,) = [p for p in psutil.Process().children() if p in lab.processes()]
    submitter.kill()
    poll_until(pool, lambda: len(list(lab.folder.jobs.glob("*.json"))) == 2, "a second intent")
    assert pool.slots_alive() == 1
    pool.cancel()
    pool.close()
    assert lab.processes() == []


def test_children_that_cannot_start_end_the_search_with_what_they_said(lab, light, monkeypatch):
    monkeypatch.setattr(trouble, "FAILURES_IN_A_ROW", 2)
    shutil.rmtree(lab.folder.data)
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    with pytest.raises(SlotError) as error:
        collect(pool, 1)
    assert "2 times in a row, a slot or its child could not start" in str(error.value)
    assert f"{lab.folder.data} is missing" in str(error.value)
    log = Path(str(error.value).splitlines()[-1])
    assert log.parent == lab.folder.logs and log.is_file()
    assert pool.recover() == {1}
    assert spool.attempts(lab.folder, 1) == 0
    pool.close()
    lab.folder.data.mkdir()  # seen to, so the next session goes on
    pool = lab.pool()
    assert [outcome.status for outcome in collect(pool, 1)] == ["ok"]
    pool.close()


def test_a_slot_killed_between_taking_a_trial_and_counting_it(lab, monkeypatch):
    pool = lab.pool()
    monkeypatch.setattr(pool, "_usual", 0.0)
    spool.enqueue(lab.folder, lab.spec(1))
    with monkeypatch.context() as patch:
        patch.setattr(spool, "mark_attempt", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            spool.claim(lab.folder, "000000-001-0")
    (lost,) = pool.poll()
    assert (lost.trial, lost.status, lost.attempt) == (1, "lost", 1)
    assert spool.attempts(lab.folder, 1) == 1
    assert pool.poll() == []  # handed out once ...
    (again,) = lab.pool().poll()  # ... by each session, until it is acknowledged
    assert (again.trial, again.status, again.attempt) == (1, "lost", 1)
    pool.acknowledge([lost])
    assert lab.pool().poll() == []
    pool.close()


def test_a_claim_is_not_lost_while_the_child_of_its_dead_slot_runs(lab):
    """It may still put its outcome in place; only when both are gone can nothing more come."""
    spool.enqueue(lab.folder, lab.spec(1))
    slot = "000000-001-0"
    spool.claim(lab.folder, slot)
    child = subprocess.Popen(["sleep", "600"])
    dead = Identity.mine().json() | {"started": 0}
    Presence(slot, Identity(**dead), Identity.of(child.pid), "ready").announce(lab.folder)
    pool = lab.pool()
    assert pool.poll() == []
    child.kill()
    child.wait()
    (lost,) = poll_until(pool, lambda: bool(pool._lost_claims), "the verdict")
    assert (lost.trial, lost.status) == (1, "lost")
    pool.close()


def test_slots_of_a_search_that_was_copied_are_left_alone(lab, tmp_path):
    original = subprocess.Popen(["sleep", "600"])
    slot, identity = "000001-001-0", Identity.of(original.pid)
    Presence(slot, identity, None, "ready").announce(lab.folder)
    batch = Batch.new(lab.folder, "nas-0-000001-001", ((slot,),), "local")
    batch.answer([identity.json()])
    assert lab.pool().slots_alive() == 1
    copied = RunFolder(tmp_path / "copy" / "experiment" / "strategy")
    shutil.copytree(lab.folder.root, copied.root)
    pool = Pool(copied, lab.experiment.slots, lab.place(), epoch=2)
    assert pool.slots_alive() == 0
    pool.cancel()
    assert original.poll() is None
    pool.close()
    original.kill()
    original.wait()


def test_an_outcome_that_cannot_be_read_is_lost_and_says_so(lab):
    spool.enqueue(lab.folder, lab.spec(1))
    spool.claim(lab.folder, "000000-001-0")
    path = spool.outcome_path(lab.folder, 1)
    path.write_bytes(b"not HDF5")
    pool = lab.pool()
    (lost,) = pool.poll()
    assert (lost.trial, lost.status, lost.attempt) == (1, "lost", 1)
    assert str(path) in lost.reason
    assert pool.poll() == []  # handed out once
    pool.acknowledge([lost])
    assert not path.exists()
    assert pool.recover() == set()
    pool.close()


def test_no_slot_is_started_while_the_search_is_to_end_now(lab):
    lab.folder.stop.write_text("now")
    pool = lab.pool()
    pool.enqueue([lab.spec(1)])
    pool.poll()
    assert pool.slots_alive() == 0
    pool.close()


def test_polling_looks_at_slots_about_once_a_second(lab, monkeypatch):
    pool = lab.pool()
    looks = []
    monkeypatch.setattr(pool._fleet, "look", lambda: looks.append(time.monotonic()))
    clock = iter(range(10**6))
    monkeypatch.setattr("nas_hpc.cluster.pool.time.monotonic", lambda: next(clock) / 100)
    for _ in range(1000):  # ten seconds, and each poll asks the clock once or twice
        pool.poll()
    assert 5 <= len(looks) <= 11
    pool.close()
