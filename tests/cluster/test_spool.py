import json
import multiprocessing
import os
from pathlib import Path

import pytest

from nas_hpc.cluster import TrialSpec, spool
from nas_hpc.cluster.spool import Claim
from nas_hpc.store import Outcome, RunFolder, write_outcome


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    return folder


def spec(trial: int) -> TrialSpec:
    return TrialSpec(trial, f"key {trial}", {"depth": 6}, (("layer 0/height", 3), ("inputs/0", 1)))


def outcome(trial: int, status="ok", attempt: int = 1) -> Outcome:
    return Outcome(trial, status, 0.5 if status == "ok" else float("nan"), attempt=attempt)


def files(folder: RunFolder) -> set[str]:
    return {str(p.relative_to(folder.root)) for p in folder.root.rglob("*") if p.is_file()}


def test_a_claim_holds_what_the_child_needs(folder):
    spool.enqueue(folder, spec(12))
    claim = spool.claim(folder, "000001-001-0")
    assert claim == Claim(12, 1, "000001-001-0")
    assert claim.path(folder).name == "000000012--1--000001-001-0.json"
    assert json.loads(claim.path(folder).read_text()) == {
        "trial": 12,
        "key": "key 12",
        "arguments": {"depth": 6},
        "tokens": [["layer 0/height", 3], ["inputs/0", 1]],
        "alone": False,
    }
    assert not claim.alone(folder)
    assert Claim.of(claim.path(folder).name) == claim
    assert spool.queued(folder) == []
    assert spool.claims(folder) == [claim]


def test_the_lowest_number_goes_first(folder):
    for trial in (100, 9, 20):
        spool.enqueue(folder, spec(trial))
    taken = [spool.claim(folder, "s-0") for _ in range(4)]
    assert [claim and claim.trial for claim in taken] == [9, 20, 100, None]


def _claim_all(root: Path, slot: str, start, results) -> None:
    folder = RunFolder(root)
    start.wait()
    while (claim := spool.claim(folder, slot)) is not None:
        results.put((claim.trial, claim.attempt, slot))
    results.put(None)


def test_no_two_slots_get_one_trial(folder):
    trials = 150
    for trial in range(trials):
        spool.enqueue(folder, spec(trial))
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    slots = [f"s-{i}" for i in range(4)]
    processes = [
        context.Process(target=_claim_all, args=(folder.root, slot, start, results))
        for slot in slots
    ]
    for process in processes:
        process.start()
    start.set()
    got = []
    for _ in slots:
        while (result := results.get(timeout=60)) is not None:
            got.append(result)
    for process in processes:
        process.join()
    assert sorted(trial for trial, _, _ in got) == list(range(trials))
    assert {attempt for _, attempt, _ in got} == {1}
    assert [(c.trial, c.attempt, c.slot) for c in spool.claims(folder)] == sorted(got)


def test_a_slot_beaten_to_a_trial_takes_the_next(folder, monkeypatch):
    for trial in (1, 2):
        spool.enqueue(folder, spec(trial))
    stale = spool.queued(folder)
    assert spool.claim(folder, "fast-0").trial == 1
    monkeypatch.setattr(spool, "queued", lambda folder: stale)
    assert spool.claim(folder, "slow-1") == Claim(2, 1, "slow-1")


def test_attempts_are_numbered_on(folder):
    for attempt in (1, 2, 3):
        spool.enqueue(folder, spec(7))
        assert spool.claim(folder, "s-0") == Claim(7, attempt, "s-0")
        spool.acknowledge(folder, [outcome(7, "lost", attempt)], read={7})
        assert spool.attempts(folder, 7) == attempt


def test_an_attempt_made_between_look_and_rename_is_not_counted_twice(folder, monkeypatch):
    # The slot saw no attempt; until it renames, another one claims, dies, and the trial is back.
    spool.enqueue(folder, spec(7))
    monkeypatch.setattr(spool, "attempts", lambda folder, trial: 0)
    (folder.trial(7)).mkdir(parents=True)
    (folder.trial(7) / "attempt-1").touch()
    (folder.trial(7) / "attempt-2").touch()
    assert spool.claim(folder, "s-0") == Claim(7, 3, "s-0")
    assert spool.claims(folder) == [Claim(7, 3, "s-0")]


def test_a_released_trial_waits_as_if_it_had_not_been_claimed(folder):
    spool.enqueue(folder, spec(7))
    before = {name: (folder.root / name).read_text() for name in files(folder)}
    claim = spool.claim(folder, "s-0")
    spool.release(folder, claim)
    assert {name: (folder.root / name).read_text() for name in files(folder)} == before
    assert spool.claim(folder, "s-1") == Claim(7, 1, "s-1")


def test_recover_finds_trials_wherever_they_are_and_drops_damaged_ones(folder):
    for trial in range(4):
        spool.enqueue(folder, spec(trial))
    spool.claim(folder, "s-0")
    claim = spool.claim(folder, "s-0")
    write_outcome(spool.outcome_path(folder, claim.trial), outcome(claim.trial))
    (folder.queue / "000000003.json").write_text("")  # what a crash of the machine leaves
    (folder.queue / ".000000009.json.17.tmp").write_text("")  # still being written
    assert spool.recover(folder) == {0, 1, 2}
    assert spool.queued(folder) == [2]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("ok", set()),
        ("diverged", {"log.txt"}),
        ("out of memory", {"log.txt"}),
        ("lost", {"log.txt", "attempt-1", "checkpoint.pt", "own/file"}),
        ("killed", {"log.txt", "attempt-1", "checkpoint.pt", "own/file"}),
    ],
)
def test_acknowledged_trials_leave_only_what_is_needed(folder, status, left):
    spool.enqueue(folder, spec(1042))
    spool.claim(folder, "s-0")
    working = folder.trial(1042)
    assert working == folder.trials / "000001" / "000001042"
    (working / "own").mkdir()
    for name in ("log.txt", "checkpoint.pt", "own/file"):
        (working / name).touch()
    write_outcome(spool.outcome_path(folder, 1042), outcome(1042, status))
    spool.acknowledge(folder, [outcome(1042, status)], read={1042})
    assert files(folder) == {f"trials/000001/000001042/{name}" for name in left}
    spool.forget(folder, 1042, keep_log=False)
    assert files(folder) == set()


def test_acknowledging_one_attempt_leaves_the_claim_of_another(folder):
    spool.enqueue(folder, spec(7))
    dead = spool.claim(folder, "s-0")
    spool.enqueue(folder, spec(7))
    alive = spool.claim(folder, "s-1")
    spool.acknowledge(folder, [outcome(7, "lost", dead.attempt)], read={7})
    assert spool.claims(folder) == [alive]


class Killed(BaseException):
    """Stands for SIGKILL: nothing handles it."""


@pytest.mark.parametrize("status", ["ok", "diverged", "lost"])
def test_an_interrupted_deletion_is_repeated(folder, status, monkeypatch):
    """Wherever it stops, the outcome is still there to be handed out, or nothing is left to do."""
    unlink, rmdir = os.unlink, os.rmdir
    for steps in range(100):
        spool.enqueue(folder, spec(7))
        claim = spool.claim(folder, "s-0")
        (folder.trial(7) / "log.txt").touch()
        (folder.trial(7) / "checkpoint.pt").touch()
        recorded = outcome(7, status, claim.attempt)
        write_outcome(spool.outcome_path(folder, 7), recorded)
        left = steps

        def counted(original):
            def act(*args, **kwargs):
                nonlocal left
                if left == 0:
                    raise Killed
                left -= 1
                return original(*args, **kwargs)

            return act

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", counted(unlink))
            patch.setattr(os, "rmdir", counted(rmdir))
            try:
                spool.acknowledge(folder, [recorded], read={recorded.trial})
                interrupted = False
            except Killed:
                interrupted = True
        if interrupted:
            assert spool.outcomes(folder) == {7}
            assert spool.has_ended(folder, claim)
            spool.acknowledge(folder, [recorded], read={recorded.trial})
        assert spool.outcomes(folder) == set()
        assert spool.claims(folder) == []
        spool.forget(folder, 7, keep_log=False)
        assert files(folder) == set()
        if not interrupted:
            break
    assert steps > 1


def test_files_that_cannot_be_deleted_do_not_end_the_search(folder, monkeypatch, caplog):
    spool.enqueue(folder, spec(7))
    spool.claim(folder, "s-0")
    write_outcome(spool.outcome_path(folder, 7), outcome(7))

    def refuse(path):
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr(spool.shutil, "rmtree", refuse)
    spool.acknowledge(folder, [outcome(7)], read={7})
    assert spool.outcomes(folder) == set()
    assert "files of trial 7 stay: [Errno 39] Directory not empty" in caplog.text
