"""Searches on a disk that is really full for a while: they wait, lose nothing, repeat nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from nas_hpc.cluster import living_slots
from nas_hpc.store import RunFolder, read_search
from tests.search.conftest import SmallSearch
from tests.search.processes import wait_until
from tests.small_disk import SmallDisk

pytestmark = [pytest.mark.mpi, pytest.mark.disk("16m", 1000)]

TRIALS = 24

CHILD = '''
import time
from pathlib import Path

def child(architecture, data, training, trial):
    """Notes in a diary, which is not on the disk that fills up, that it has been trained."""
    trial.log("before")
    time.sleep(0.2)
    trial.log("after")
    with Path(trial.options["diary"]).open("a") as diary:
        print(trial.number, file=diary)
    return (trial.seed % 1000) / 1000
'''


@pytest.fixture
def search(small_disk: SmallDisk, tmp_path):
    """A search with its log and all else on the small disk."""
    (small_disk.path / "search").mkdir()
    search = SmallSearch(
        small_disk.path / "search",
        budget={"trials": TRIALS},
        slots={"executor": "local", "count": 2},
        child={"options": {"diary": str(tmp_path / "diary")}},
    )
    (search.folder / "child.py").write_text(CHILD)
    search.diary = tmp_path / "diary"
    yield search
    small_disk.free()
    end(search)


def end(search: SmallSearch) -> None:
    if search.run_folder.stop.parent.exists():
        search.run_folder.stop.write_text("now")
        wait_until(lambda: not living_slots(search.run_folder))


def answered(folder: RunFolder) -> int:
    return sum(outcome.answers for outcome in read_search(folder).outcomes)


def until_it_stands_still(search: SmallSearch, disk: SmallDisk, what: str) -> int:
    """Start a search, take all room, and see that no more is recorded; how many trials are."""
    wait_until(lambda: search.run_folder.sessions.exists() and answered(search.run_folder) >= 4)
    disk.fill() if what == "bytes" else disk.fill_inodes()
    done = 0

    def still() -> bool:
        nonlocal done
        before, done = done, answered(search.run_folder)
        time.sleep(2)
        return done == before == answered(search.run_folder)

    wait_until(still)
    assert done < TRIALS, "the disk was filled too late"
    return done


def trained(search: SmallSearch) -> Counter[str]:
    return Counter(search.diary.read_text().split())


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_full_disk_is_waited_out(search, small_disk, what):
    launcher = search.start()
    until_it_stands_still(search, small_disk, what)
    assert launcher.poll() is None
    small_disk.free()
    assert launcher.wait(timeout=120) == 0
    log = read_search(search.run_folder)
    assert len(log.samples) >= TRIALS
    assert all((o.status, o.attempt) == ("ok", 1) for o in log.outcomes)
    assert trained(search) == Counter(str(o.trial) for o in log.outcomes)
    assert len(log.outcomes) == TRIALS
    (pause, *_) = [event.text for event in log.events if event.kind == "paused"]
    missing = "none of the 1000 inodes" if what == "inodes" else "MB are free"
    assert missing in pause and str(search.run_folder.root) in pause


@pytest.mark.parametrize("how", ["SIGTERM", "drain", "now"])
def test_a_search_on_a_full_disk_can_be_ended_and_goes_on(search, small_disk, how):
    request = search.folder / "request"
    request.write_text(how)
    launcher = search.start()
    until_it_stands_still(search, small_disk, "bytes")
    if how == "SIGTERM":
        launcher.send_signal(signal.SIGTERM)
    else:
        request.rename(search.run_folder.stop)  # takes no room
    assert launcher.wait(timeout=60) != 0
    before = read_search(search.run_folder).outcomes
    small_disk.free()
    assert search.start().wait(timeout=120) == 0
    log = read_search(search.run_folder)
    assert log.outcomes[: len(before)] == before
    assert sorted(o.trial for o in log.outcomes if o.answers) == sorted(map(int, trained(search)))
    assert len(trained(search)) == TRIALS
    again = sum(trained(search).values()) - TRIALS
    assert again <= (search.experiment.slots.count if how == "now" else 0)


def test_a_search_does_not_begin_on_a_full_disk(search, small_disk):
    search.start().wait(timeout=120)
    search.change(budget={"trials": TRIALS + 8})
    small_disk.fill()
    command = [sys.executable, "-m", "nas_hpc", "search", str(search.yaml)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("nas-hpc: No space left: 0.0 of 16.8 MB are free on the disk of")
    assert line.endswith(str(search.run_folder.root))
