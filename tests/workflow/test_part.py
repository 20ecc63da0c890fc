import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.retrain.finished import before_grid
from tests.search.processes import gone, wait_until

POINT = ("grid", "small.yaml", "--top", "0", "--point", "1")


@pytest.fixture
def start(tmp_path):
    """Starts a part in the experiment's folder; what it says can be read from it."""
    started = []

    def start_part(*options, command=POINT):
        program = [sys.executable, "-m", "nas_hpc", "part", "--marker", "parts/1.json", *options]
        process = subprocess.Popen(
            [*program, "--", *command],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start_part
    for process in started:
        for left in descendants(process):
            left.kill()
        process.kill()
        process.communicate()


def descendants(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def ends(process):
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def read_marker(tmp_path):
    return json.loads((tmp_path / "parts" / "1.json").read_text())


def test_what_is_done_in_time_leaves_what_it_found(tmp_path, start):
    result, _ = before_grid(tmp_path, stop_in=0)
    assert ends(start("--minutes", "60"))[0] == 0
    assert read_marker(tmp_path) == json.loads(result.read_text())


def test_a_failure_is_passed_on(tmp_path, start):
    before_grid(tmp_path, stop_in=0)
    code, said = ends(start("--minutes", "60", command=(*POINT[:3], "9", *POINT[4:])))
    assert code == 1 and "top 9 does not exist; allowed: 0 to 1" in said
    assert not (tmp_path / "parts" / "1.json").exists()


def test_near_the_limit_it_ends_what_runs_and_says_so(tmp_path, start):
    before_grid(tmp_path, stop_in=4)
    code, said = ends(start("--minutes", "0.25", "--margin", "8"))
    assert code == 0, said
    assert "grid: time limit near; another part goes on" in said
    assert read_marker(tmp_path) == {"done": False, "reason": "time limit near"}


def test_the_next_part_goes_on_from_the_last_epoch(tmp_path, start):
    result, notes = before_grid(tmp_path, stop_in=4)
    first = start()
    wait_until((tmp_path / "stop").exists, 120)
    running = descendants(first)
    assert running
    first.terminate()
    assert ends(first)[0] == 0
    assert gone(running)
    assert read_marker(tmp_path) == {"done": False, "reason": "told to end"}
    assert ends(start())[0] == 0
    assert read_marker(tmp_path) == json.loads(result.read_text())
    assert notes.read_text().split() == ["1", "2", "3", "4", "4", "5", "6"]


def test_what_does_not_heed_the_request_is_killed_before_the_limit(tmp_path, start):
    before_grid(tmp_path, stop_in=4)
    part = start("--minutes", "0.5", "--margin", "6")
    wait_until(lambda: (tmp_path / "stop").exists() or part.poll() is not None)
    running = descendants(part)
    for process in running:
        process.suspend()
    assert ends(part)[0] == 0
    assert gone(running)
    assert read_marker(tmp_path) == {"done": False, "reason": "time limit near"}


def test_ctrl_c_asks_for_no_other_part(tmp_path, start):
    before_grid(tmp_path, stop_in=4)
    part = start()
    wait_until((tmp_path / "stop").exists, 120)
    running = descendants(part)
    os.kill(part.pid, signal.SIGINT)
    assert ends(part)[0] != 0
    assert gone(running)
    assert not (tmp_path / "parts" / "1.json").exists()


def test_a_limit_without_time_to_work_is_refused(tmp_path, start):
    code, said = ends(start("--minutes", "0.5"))
    assert code == 1 and "are for ending in order: give it more time" in said
