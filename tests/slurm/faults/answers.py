"""Deaths between sbatch and its answer: Slurm has the jobs, and nobody was told their numbers."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import psutil

from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import until

SLOW_SBATCH = """\
#!/bin/sh
# Submits at once, and answers once {folder}/held is gone.
{sbatch} "$@" > {folder}/answer || exit
touch {folder}/held
while [ -e {folder}/held ]; do sleep 0.05; done
cat {folder}/answer
"""


def dispatcher(scene: Scene) -> str:
    """sbatch answers, to a submission process that outlives the dispatcher."""
    held = an_array_is_submitted(scene)
    scene.subject.dispatcher().kill()
    scene.wait(0.0, 4.0)
    held.unlink()
    return adopted(scene)


def all_that_submits(scene: Scene) -> str:
    """Nobody ever hears the answer."""
    held = an_array_is_submitted(scene)
    victims = [scene.subject.dispatcher(), *submitters(scene)]
    for victim in victims:
        victim.suspend()  # none sees another one's end
    for victim in victims:
        victim.kill()
    held.unlink()
    return adopted(scene)


def an_array_is_submitted(scene: Scene) -> Path:
    """In place of one that is cancelled; Slurm has it, and sbatch has not said so."""
    folder = scene.subject.programs
    slow = folder / "sbatch"
    slow.write_text(SLOW_SBATCH.format(folder=folder, sbatch=shutil.which("sbatch")))
    slow.chmod(0o700)
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.scancel(slot.identity.job.partition("_")[0])
    held = folder / "held"
    until(held.exists, "a submission")
    slow.unlink()
    scene.wait(0.0, 2.0)
    return held


def submitters(scene: Scene) -> list[psutil.Process]:
    """The process that submits, and the sbatch that it waits for."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            line = process.cmdline()
            if "nas_hpc.cluster.submission" in line and str(scene.subject.run.jobs) in line[-1]:
                found += [process, *process.children()]
    return found


def adopted(scene: Scene) -> str:
    """That the tasks of the array did work until the end, and were there in no second copy."""
    answer = (scene.subject.programs / "answer").read_text()
    (job,) = re.findall(r"\d+", answer)
    return rf"slot 000001-002-\d in {job}(_\d)? on n\d: COMPLETED"


FAULTS = (
    Fault("dispatcher killed in sbatch", dispatcher, (r"event resumed",)),
    Fault("all killed in sbatch", all_that_submits, (r"event resumed",)),
)
