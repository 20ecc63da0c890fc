import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas_hpc.retrain.work import STARTS_IN_VAIN
from tests.retrain.finished import EPOCHS, before_grid, without_times


def start(place: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nas_hpc", "grid", "small.yaml", "--top", "0", "--point", "1"]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    place = tmp_path_factory.mktemp("undisturbed")
    result, notes = before_grid(place, stop_in=0)
    finish(start(place))
    assert notes.read_text().split() == [str(epoch) for epoch in range(1, EPOCHS + 1)]
    return without_times(json.loads(result.read_text()))


def test_a_killed_grid_point_goes_on_from_its_last_epoch_to_the_same_result(tmp_path, undisturbed):
    result, notes = before_grid(tmp_path, stop_in=4)
    first = start(tmp_path)
    wait_for((tmp_path / "stop").exists)
    first.kill()
    first.communicate()
    assert not result.exists()
    finish(start(tmp_path))
    # Epoch 4 was reported, but not saved: it is the only one that was lost.
    assert notes.read_text().split() == ["1", "2", "3", "4", "4", "5", "6"]
    assert without_times(json.loads(result.read_text())) == undisturbed


def test_two_processes_that_want_the_same_training_make_it_once(tmp_path, undisturbed):
    result, notes = before_grid(tmp_path, stop_in=2)
    first = start(tmp_path)
    wait_for((tmp_path / "stop").exists)
    os.kill(first.pid, signal.SIGSTOP)
    second = start(tmp_path)
    assert second.stdout is not None
    assert "another process is training this" in second.stdout.readline()
    first.kill()
    first.communicate()
    third = start(tmp_path)
    finish(second)
    finish(third)
    assert notes.read_text().split() == ["1", "2", "2", "3", "4", "5", "6"]
    assert without_times(json.loads(result.read_text())) == undisturbed


def test_a_training_that_never_gets_as_far_as_an_epoch_is_given_up(tmp_path):
    """A job that is shorter than an epoch would otherwise be followed by another, without end."""
    result, _ = before_grid(tmp_path, stop_in=1)
    for _ in range(STARTS_IN_VAIN):
        process = start(tmp_path)
        wait_for((tmp_path / "stop").exists)
        process.kill()
        process.communicate()
        (tmp_path / "stop").unlink()
    command = [sys.executable, "-m", "nas_hpc", "grid", "small.yaml", "--top", "0", "--point", "1"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "5 starts have ended before an epoch was saved" in refused.stderr
    assert not result.exists()
