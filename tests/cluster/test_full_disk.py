"""One slot on a disk that is really full: it waits for room to say how a trial ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_hpc.cluster import spool
from nas_hpc.cluster.presence import Presence
from nas_hpc.store import read_outcome
from tests.cluster.lab import Lab, until
from tests.small_disk import SmallDisk

SLOT = "000001-001-0"


@pytest.fixture
def lab(small_disk: SmallDisk, tmp_path: Path) -> Lab:
    """Its gates are elsewhere."""
    (small_disk.path / "lab").mkdir()
    lab = Lab(small_disk.path / "lab")
    lab.gates = tmp_path
    return lab


@pytest.fixture
def slot(lab: Lab, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Its log is elsewhere too."""
    command = [sys.executable, "-m", "tests.cluster.bare_slot", str(lab.folder.root), SLOT]
    with (tmp_path / "slot.log").open("w") as log:
        slot = subprocess.Popen(command, stderr=log, start_new_session=True)
    yield slot
    slot.kill()
    slot.wait()


def kill_child(lab: Lab) -> None:
    seen = Presence.of(lab.folder, SLOT)
    assert seen is not None and seen.child is not None
    os.kill(seen.child.pid, signal.SIGKILL)


def until_it_waits(tmp_path: Path) -> None:
    log = tmp_path / "slot.log"
    until(lambda: "waiting for room" in log.read_text(), "the slot to miss room")


def test_how_a_child_ended_is_said_once_there_is_room(lab, slot, small_disk, tmp_path):
    spool.enqueue(lab.folder, lab.spec(1, gate="never"))
    until(lambda: lab.reached("never"), "the trial to run")
    spool.enqueue(lab.folder, lab.spec(2))
    small_disk.fill()
    kill_child(lab)
    until_it_waits(tmp_path)
    assert spool.outcomes(lab.folder) == set()
    small_disk.free()
    until(lambda: spool.outcomes(lab.folder) == {1, 2}, "both outcomes")
    outcomes = [read_outcome(spool.outcome_path(lab.folder, trial)) for trial in (1, 2)]
    assert [(o.status, o.attempt) for o in outcomes] == [("killed", 1), ("ok", 1)]


def test_without_inodes_no_trial_is_claimed(lab, slot, small_disk, tmp_path):
    spool.enqueue(lab.folder, lab.spec(1, gate="never"))
    until(lambda: lab.reached("never"), "the trial to run")
    spool.enqueue(lab.folder, lab.spec(2, gate="second"))
    lab.open("never")
    until(lambda: lab.reached("second"), "the second trial to run")
    spool.enqueue(lab.folder, lab.spec(3))
    reserve = lab.folder.root / "reserve"
    reserve.touch()
    small_disk.fill_inodes()
    reserve.unlink()  # one inode, for the outcome of the second
    lab.open("second")
    until_it_waits(tmp_path)
    time.sleep(1)
    assert spool.outcomes(lab.folder) == {1, 2}
    assert spool.queued(lab.folder) == [3]
    assert spool.attempts(lab.folder, 3) == 0
    small_disk.free()
    until(lambda: 3 in spool.outcomes(lab.folder), "the third outcome")
    assert read_outcome(spool.outcome_path(lab.folder, 3)).attempt == 1


def test_told_to_end_it_waits_no_longer(lab, slot, small_disk, tmp_path):
    spool.enqueue(lab.folder, lab.spec(1, gate="never"))
    until(lambda: lab.reached("never"), "the trial to run")
    small_disk.fill()
    kill_child(lab)
    until_it_waits(tmp_path)
    slot.terminate()
    assert slot.wait(60) == 0
    assert [claim.trial for claim in spool.claims(lab.folder)] == [1]  # for the pool to judge
    assert spool.outcomes(lab.folder) == set()
