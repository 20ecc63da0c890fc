"""A task: one slot, or several that share its GPUs.

Each of several is a process: ``python -m nas_hpc.cluster.task RUN NEIGHBOURS SLOT``.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from nas_hpc.cluster.environment import child_environment, task_environment
from nas_hpc.cluster.presence import Presence, incarnation
from nas_hpc.cluster.slot import Slot, Terms
from nas_hpc.experiment import Experiment
from nas_hpc.experiment.resources import Slots
from nas_hpc.store import Identity, RunFolder

ENDING_SECONDS = 30.0
"""Kept of a task's time for ending in order, or a tenth of it if that is less."""


def run_task(run_folder: str, slots: Sequence[str], neighbours: Path | None = None) -> None:
    """Be the slots of a task until there is no work; the one function that is submitted.

    Args:
        run_folder: absolute path of the search's folder.
        slots: their names, never used before but by this task.
        neighbours: file of the slots that share this task, see `Neighbours`.

    Raises:
        PermissionError: others could write to the folder, and so choose what runs here.
        RuntimeError: a child cannot start; it has said why on standard error.
    """
    folder = RunFolder(Path(run_folder))
    if folder.root.stat().st_mode & 0o022:
        raise PermissionError(f"{folder.root} can be written by others; chmod go-w it")
    if len(slots) > 1:
        _run_each(folder, slots)
        return
    experiment = Experiment.model_validate_json(folder.experiment.read_text())
    if experiment.slots.arrays is None and experiment.slots.shared:
        neighbours = folder.slots / "neighbours.lock"
    terms = replace(terms_of(experiment.slots, os.environ), neighbours=neighbours)
    name = incarnation(slots[0], Identity.mine().restart)
    Slot(folder, name, experiment, terms).serve()


def terms_of(config: Slots, environment: Mapping[str, str]) -> Terms:
    """How long a slot of this task may work, and what its children inherit."""
    if config.arrays is None:
        return Terms(child_environment(environment, config.threads))
    seconds = 60.0 * config.arrays.minutes
    end = float(environment.get("SLURM_JOB_END_TIME", time.time() + seconds))
    return Terms(
        environment=task_environment(environment, config.threads),
        until=end - min(ENDING_SECONDS, seconds / 10),
        most_trials=config.arrays.trials_per_task or math.inf,
        most_lost=2,
        longest_wait=2.0,  # hundreds of slots look at the same folders
        interruptions_count=True,
    )


def _run_each(folder: RunFolder, slots: Sequence[str]) -> None:
    with tempfile.NamedTemporaryFile(prefix="nas-hpc-") as neighbours:
        command = [sys.executable, "-m", "nas_hpc.cluster.task", str(folder.root), neighbours.name]
        _await_each(folder, {slot: subprocess.Popen([*command, slot]) for slot in slots})


def _await_each(folder: RunFolder, running: dict[str, subprocess.Popen[bytes]]) -> None:
    def pass_on(number: int, _: FrameType | None) -> None:
        for process in running.values():
            process.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGUSR2, pass_on)
    failed = []
    while running:
        time.sleep(0.5)
        for slot in [slot for slot, process in running.items() if process.poll() is not None]:
            if running.pop(slot).returncode:
                failed.append(slot)
                _say_for_it(folder, slot)
    if failed:
        raise RuntimeError(f"slots {', '.join(failed)} failed")


def _say_for_it(folder: RunFolder, slot: str) -> None:
    """Say that a slot has ended which could not do so itself: its task may go on for hours."""
    seen = Presence.of(folder, incarnation(slot, Identity.mine().restart))
    if seen is not None and seen.state in ("starting", "ready"):
        replace(seen, state="ended", ended=time.time()).announce(folder)


if __name__ == "__main__":
    run_task(sys.argv[1], [sys.argv[3]], Path(sys.argv[2]))
