"""What the search under test trains: nothing. But it keeps a diary, and misbehaves when told to.

The diary and what a trial is told lie outside the run folder, in ``child.options["place"]``:

=================  ==============================================================================
``diary``          a line for each start, epoch and finish of a training, with its time; and for
                   each time that it misbehaves
``moods/<trial>``  how that trial is to misbehave: ``eat``, ``eat once``, ``late 2.5``
``hold``           while it exists, no training gets on
=================  ==============================================================================
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from nas_hpc.children import Dataset, Split
from nas_hpc.spaces import Choice, Kind, Space
from nas_hpc.store import Outcome, write_outcome
from nas_hpc.store.durable import write_json

DIGIT = Kind("digit", tuple(range(100)))
MEAL = 2_000_000_000
"""Bytes: more than a task of the search under test may have."""


def generate():
    digits = []
    for place in range(4):
        digits.append((yield Choice(DIGIT, f"digit {place}")))
    return tuple(digits)


space = Space("numbers", (DIGIT,), generate)


def data():
    part = Split(np.zeros((2, 1, 2, 2), np.float32), np.array([0, 1]))
    return Dataset(part, part, part, classes=2)


def child(architecture, data, training, trial):
    """Epochs that take their time, each saved; the reward follows from the trial's seed."""
    place = Path(trial.options["place"])
    saved = trial.folder / "epoch.json"
    epoch = int(saved.read_text()) if saved.exists() else 0
    note(place, trial.number, "start", epoch)
    while epoch < training.epochs:
        time.sleep(trial.options["seconds"] / training.epochs)
        while (place / "hold").exists():
            time.sleep(0.02)
        misbehave(place, trial, epoch)
        epoch += 1
        write_json(saved, epoch)
        note(place, trial.number, "epoch", epoch)
    note(place, trial.number, "finish", epoch)
    return reward(trial.seed)


def reward(seed):
    return (seed % 100_000 + 1) / 100_000


def note(place, trial, what, epoch):
    with (place / "diary").open("a") as diary:
        diary.write(f"{time.time()} {trial} {what} {epoch}\n")


def misbehave(place, trial, epoch):
    mood = place / "moods" / str(trial.number)
    if not mood.exists():
        return
    act = mood.read_text()
    if act != "eat":
        mood.unlink()
    note(place, trial.number, "misbehave", epoch)
    if act.startswith("late"):
        delayed = write_late(float(act.removeprefix("late")))
        sys.modules["nas_hpc.children.process"].write_outcome = delayed
    else:
        eaten = [np.ones(MEAL // 8 // 20) for _ in range(20)]
        time.sleep(60)  # memory is looked at every few seconds
        del eaten


def write_late(seconds):
    """The outcome is seen only so long after the end of its task, as on a slow file system."""

    def write(path: Path, outcome: Outcome) -> None:
        hidden = path.with_name(f".{path.name}.late")
        write_outcome(hidden, outcome)
        later = f"sleep {seconds}; mv {hidden} {path}"
        # Twice removed from this process, so that Slurm does not end it with the task.
        subprocess.run(["setsid", "--fork", "sh", "-c", later], check=True)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)

    return write
