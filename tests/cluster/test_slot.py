"""One slot as a process of its own, with a child that speaks the protocol but needs no torch."""

import contextlib
import math
import os
import signal
import subprocess
import sys

import psutil
import pytest

from nas_hpc.cluster import spool
from nas_hpc.cluster.presence import Presence, retirement
from nas_hpc.store import Identity, read_outcome
from tests.cluster.lab import Lab, until

SLOT = "000001-001-0"


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture
def start(lab):
    """Starts slots of the lab; whatever still runs at the end is killed."""
    started = []

    def start_slot(name: str = SLOT) -> subprocess.Popen:
        with (lab.folder.logs / f"{name}.log").open("w") as log:
            bare = [sys.executable, "-m", "tests.cluster.bare_slot"]
            slot = subprocess.Popen(
                [*bare, str(lab.folder.root), name], stderr=log, start_new_session=True
            )
        started.append(slot)
        return slot

    yield start_slot
    for slot in started:
        slot.kill()
        slot.wait()


def outcome_of(lab, trial: int):
    """The trial's outcome, once it is there, acknowledged."""
    path = spool.outcome_path(lab.folder, trial)
    until(path.exists, f"the outcome of trial {trial}")
    outcome = read_outcome(path)
    spool.acknowledge(lab.folder, [outcome], read={outcome.trial})
    return outcome


def enqueue(lab, *specs) -> None:
    for spec in specs:
        spool.enqueue(lab.folder, spec)


def until_ready(lab, slot: str = SLOT) -> Presence:
    def ready() -> bool:
        seen = Presence.of(lab.folder, slot)
        return seen is not None and seen.state == "ready"

    until(ready, f"slot {slot}")
    seen = Presence.of(lab.folder, slot)
    assert seen is not None
    return seen


def ended_in_order(lab, slot: subprocess.Popen, name: str = SLOT) -> bool:
    code = slot.wait(60)
    seen = Presence.of(lab.folder, name)
    return code == 0 and seen is not None and seen.state == "ended" and seen.gone


def test_one_child_stays_warm_until_something_goes_wrong(lab, start):
    """However a child ends, an outcome says how, and the next trial gets a fresh process."""
    acts = ["answer", "answer", "kill", "answer", "exit", "babble", "diverge", "answer"]
    enqueue(lab, *(lab.spec(trial, act) for trial, act in enumerate(acts)))
    start()
    outcomes = [outcome_of(lab, trial) for trial in range(len(acts))]
    assert [(o.status, o.reason) for o in outcomes] == [
        ("ok", ""),
        ("ok", ""),
        ("killed", "signal 9"),
        ("ok", ""),
        ("lost", "the child ended with exit code 3"),
        ("lost", "the child said b'epoch 1 of 3' where an answer belongs"),
        ("diverged", ""),
        ("ok", ""),
    ]
    for outcome in outcomes:
        if outcome.status in ("killed", "lost"):
            assert math.isnan(outcome.reward)
            assert (outcome.slot, outcome.attempt) == (SLOT, 1)
            assert outcome.ended >= outcome.started > 0
    children = [outcome.device for outcome in outcomes]  # it says its process number there
    assert children[0] == children[1]
    assert len({children[1], children[3], children[6], children[7]}) == 4
    seen = until_ready(lab)
    assert seen.child is not None and str(seen.child.pid) == children[7]


def test_a_child_that_dies_after_its_outcome_is_in_place_has_no_second_one(lab, start):
    died, gate = "die after outcome", "acknowledged"
    enqueue(lab, lab.spec(1, died), lab.spec(2, died, gate), lab.spec(3))
    start()
    until(lambda: lab.reached(gate), "the second outcome")
    assert outcome_of(lab, 1).status == "ok"
    assert outcome_of(lab, 2).status == "ok"
    assert spool.claims(lab.folder) == []
    lab.open(gate)  # and now it dies, with all files of its trial deleted
    assert outcome_of(lab, 3).status == "ok"
    assert spool.outcomes(lab.folder) == set()
    assert not lab.folder.trial(2).exists()


def test_a_child_that_idles_may_die_too(lab, start):
    start()
    child = until_ready(lab).child
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: until_ready(lab).child != child, "another child")
    enqueue(lab, lab.spec(1))
    assert outcome_of(lab, 1).status == "ok"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_child_that_slurm_tells_to_end_had_no_lack_of_memory(lab, start, number):
    """Slurm tells all processes of a task; the child may hear it before its slot."""
    enqueue(lab, lab.spec(1, gate="never"))
    start()
    until(lambda: lab.reached("never"), "the trial to run")
    os.kill(until_ready(lab).child.pid, number)
    outcome = outcome_of(lab, 1)
    assert (outcome.status, outcome.attempt) == ("lost", 1)
    assert outcome.reason == f"the child was told to end by signal {number}"


def test_a_child_may_hear_before_it_has_started_that_the_slot_is_to_end(lab, start):
    slot = start()
    until(lambda: bool(psutil.Process(slot.pid).children()), "the child to start")
    (child,) = psutil.Process(slot.pid).children()

    def gone() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()  # again: between fork and exec it is lost
        return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    until(gone, "the end of the child")
    slot.terminate()
    assert ended_in_order(lab, slot)


def test_children_that_alone_are_told_to_end_have_failed_to_start(lab, start):
    slot = start()

    def ended() -> bool:
        if slot.poll() is None:
            for child in psutil.Process(slot.pid).children():
                child.terminate()
        return slot.poll() is not None

    until(ended, "the end of the slot")
    assert slot.returncode == 1
    seen = Presence.of(lab.folder, SLOT)
    assert seen is not None and seen.state == "failed"


def test_a_trial_has_only_so_many_seconds(lab, start):
    slots = lab.experiment.slots.model_copy(update={"trial_seconds": 0.5})
    experiment = lab.experiment.model_copy(update={"slots": slots})
    lab.folder.experiment.write_text(experiment.model_dump_json())
    enqueue(lab, lab.spec(1, gate="never"), lab.spec(2))
    start()
    outcome = outcome_of(lab, 1)
    assert (outcome.status, outcome.reward) == ("diverged", -1.0)
    assert outcome.reason == "not finished within slots.trial_seconds = 0.5"
    assert outcome.answers
    assert outcome_of(lab, 2).status == "ok"


@pytest.mark.parametrize("how", ["SIGTERM", "stop now"])
def test_told_to_end_now_it_puts_its_trial_back(lab, start, how):
    enqueue(lab, lab.spec(1, "fork", gate="never"), lab.spec(2))
    slot = start()
    until(lambda: lab.reached("never"), "the trial to run")
    child = until_ready(lab).child
    helper = Identity.of(int((lab.gates / "never.helper").read_text()))
    assert [claim.trial for claim in spool.claims(lab.folder)] == [1]
    if how == "SIGTERM":
        slot.terminate()
    else:
        lab.folder.stop.write_text("now")
    assert ended_in_order(lab, slot)
    assert not child.alive()
    until(lambda: not helper.alive(), "what the child had started to end")
    assert spool.queued(lab.folder) == [1, 2]
    assert spool.claims(lab.folder) == []
    assert spool.outcomes(lab.folder) == set()
    assert spool.attempts(lab.folder, 1) == 0  # ended by order, so it does not count


def test_a_draining_slot_ends_once_nothing_waits(lab, start):
    lab.folder.stop.write_text("drain")
    enqueue(lab, lab.spec(1), lab.spec(2))
    assert ended_in_order(lab, start())
    assert {outcome_of(lab, trial).status for trial in (1, 2)} == {"ok"}


def test_a_retired_slot_takes_no_further_trial(lab, start):
    enqueue(lab, lab.spec(1, gate="retired"), lab.spec(2))
    slot = start()
    until(lambda: lab.reached("retired"), "the trial to run")
    retirement(lab.folder, SLOT).touch()
    lab.open("retired")
    assert ended_in_order(lab, slot)
    assert outcome_of(lab, 1).status == "ok"
    assert spool.queued(lab.folder) == [2]


def test_no_child_outlives_a_slot_that_is_killed(lab, start):
    enqueue(lab, lab.spec(1, gate="never"))
    slot = start()
    until(lambda: lab.reached("never"), "the trial to run")
    seen = until_ready(lab)
    assert seen.child.alive() and not seen.gone
    slot.kill()
    slot.wait()
    until(lambda: seen.gone, "the child to end")
    assert spool.outcomes(lab.folder) == set()
    assert [claim.trial for claim in spool.claims(lab.folder)] == [1]  # for the pool to judge


def test_a_folder_that_others_can_write_is_refused(lab, start):
    lab.folder.root.chmod(0o770)
    assert start().wait(60) != 0
    said = (lab.folder.logs / f"{SLOT}.log").read_text()
    assert f"{lab.folder.root} can be written by others" in said
    assert lab.presences() == []
