"""The child's process: its lines, its exit, and results that do not depend on what ran before."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.store import Outcome, RunFolder, read_outcome
from tests.children.runs import make_claim, make_experiment, make_run, make_spec

OWN = """
import os, subprocess, sys
from nas_hpc.children.classifier import classifier
from nas_hpc.children.progress import Progress

print("imported", flush=True)

def noisy(architecture, data, training, trial):
    print('{"trial": 0, "status": "a lie"}', flush=True)
    subprocess.run(["sh", "-c", "echo from a helper; echo and its errors >&2"])
    print("read:", repr(sys.stdin.read()), file=sys.stderr)
    if trial.number == 1:
        raise ValueError("a mistake")
    return 0.5

def slow(architecture, data, training, trial):
    Progress.seconds_between = 0.0
    return classifier(architecture, data, training, trial)
"""


class Child:
    """`python -m nas_hpc child` with pipes to it."""

    def __init__(self, folder: RunFolder, experiment: Experiment, slot: str = "test-0") -> None:
        self.folder, self.experiment = folder, experiment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nas_hpc", "child", str(folder.root), slot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def ask(self, trial: int, attempt: int = 1) -> None:
        claim = make_claim(self.folder, make_spec(self.experiment, trial))
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"claim": str(claim), "attempt": attempt}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def outcome(self, trial: int) -> Outcome:
        return read_outcome(self.folder.outcomes / f"{trial:09d}.h5")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextmanager
def child_of(folder: RunFolder, experiment: Experiment) -> Iterator[Child]:
    child = Child(folder, experiment)
    try:
        assert child.answer() == {"ready": child.process.pid}
        yield child
    finally:
        child.process.kill()
        child.process.communicate()


def results(outcome: Outcome) -> Outcome:
    """The outcome without what may differ between two equal trainings."""
    return replace(outcome, started=0.0, ended=0.0, seconds=0.0, attempt=0)


def test_the_third_trial_of_a_process_is_bit_equal_to_the_first_of_another(tmp_path: Path):
    experiment = make_experiment()
    folder = make_run(tmp_path, experiment)
    (folder.data / "test.npz").unlink()  # a child of the search has no use for it
    with child_of(folder, experiment) as warm:
        for trial in (0, 1, 2):
            warm.ask(trial, attempt=3)
            assert warm.answer() == {"trial": trial, "status": "ok"}
            assert warm.outcome(trial).attempt == 3
        expected = warm.outcome(2)
        assert warm.end() == (0, "", "")  # the end of its stdin is its end
    (folder.outcomes / "000000002.h5").unlink()
    with child_of(folder, experiment) as fresh:
        fresh.ask(2)
        fresh.answer()
        assert results(fresh.outcome(2)) == results(expected)
    assert len(set(expected.metrics["training_loss"])) == 3


def test_prints_go_to_the_log_and_a_process_ends_after_a_failure(tmp_path: Path):
    (tmp_path / "own.py").write_text(OWN)
    experiment = make_experiment(child={"name": f"{tmp_path}/own.py:noisy"})
    folder = make_run(tmp_path, experiment)
    with child_of(folder, experiment) as child:
        child.ask(0)
        assert child.answer() == {"trial": 0, "status": "ok"}
        child.ask(1)
        assert child.answer() == {"trial": 1, "status": "lost"}
        assert child.process.wait(timeout=60) == 0
        code, out, err = child.end()
        assert (code, out, err) == (0, "", "imported\n")
    lines = ['{"trial": 0, "status": "a lie"}', "from a helper", "and its errors", "read: ''"]
    assert (folder.trial(0) / "log.txt").read_text().splitlines() == lines
    log = (folder.trial(1) / "log.txt").read_text()
    assert all(line in log for line in lines) and "ValueError: a mistake" in log
    assert (child.outcome(1).status, child.outcome(1).reason) == ("lost", "ValueError: a mistake")


def test_the_next_attempt_goes_on_where_a_killed_one_stopped(tmp_path: Path):
    (tmp_path / "own.py").write_text(OWN)
    training = {"epochs": 40, "batch_size": 8, "augmentation": "shift"}
    experiment = make_experiment(child={"name": f"{tmp_path}/own.py:slow"}, training=training)
    folder = make_run(tmp_path, experiment)
    log = folder.trial(0) / "log.txt"
    with child_of(folder, experiment) as child:
        child.ask(0)
        while not log.is_file() or log.read_text().count("\n") < 6:
            assert child.process.poll() is None
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
    done = log.read_text().count("\n")
    assert done < 40 and not list(folder.outcomes.iterdir())
    with child_of(folder, experiment) as child:
        child.ask(0, attempt=2)
        assert child.answer() == {"trial": 0, "status": "ok"}
        resumed = child.outcome(0)
        again = int(log.read_text().splitlines()[done].split()[1].rstrip(":"))
        assert done <= again <= done + 1
        for file in folder.trial(0).iterdir():
            file.unlink()
        child.ask(0)
        assert child.answer() == {"trial": 0, "status": "ok"}
        assert results(child.outcome(0)) == results(resumed)


@pytest.mark.parametrize("fault", ["writable", "data", "child"])
def test_a_process_that_cannot_train_anything_says_why_and_is_never_ready(tmp_path: Path, fault):
    name = f"{tmp_path}/none.py:child" if fault == "child" else "classifier"
    experiment = make_experiment(child={"name": name})
    folder = make_run(tmp_path, experiment)
    if fault == "writable":
        folder.root.chmod(0o770)
    if fault == "data":
        (folder.data / "search.npz").unlink()
    code, out, err = Child(folder, experiment).end()
    assert code != 0 and out == ""
    reason = {
        "writable": f"{folder.root} can be written by others (mode 0770); run: chmod go-w",
        "data": f"{folder.data}/search.npz does not exist",
        "child": f"{tmp_path}/none.py does not exist",
    }
    assert reason[fault] in err
