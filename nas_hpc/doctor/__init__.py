"""What can be known before GPU-hours are spent: installation, file system, cluster, one real task.

Each check says in one line what it has found, and how to mend it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from nas_hpc.doctor.cluster import cluster_checks
from nas_hpc.doctor.finding import Finding, check, failed, tell
from nas_hpc.doctor.folder import ELSEWHERE, folder_checks, trial_folder
from nas_hpc.doctor.installation import installation_checks
from nas_hpc.experiment import Arrays, Experiment

__all__ = ["examine"]


def examine(
    experiment: Experiment, arrays: Arrays | None, mpiexec: str, minutes: float, console: Console
) -> int:
    """Make all checks, and say what they have found.

    Args:
        experiment: what will run.
        arrays: how its children will run on Slurm; None: on this machine.
        mpiexec: starts MPI programs.
        minutes: to wait for the start of a job.
        console: where it is said.

    Returns:
        How many checks have failed.
    """
    failures = tell(_findings(experiment, arrays, mpiexec, minutes), console)
    console.print(f"{failures} failed" if failures else "nothing has failed")
    return failures


def _findings(
    experiment: Experiment, arrays: Arrays | None, mpiexec: str, minutes: float
) -> Iterator[Finding]:
    yield from installation_checks(mpiexec)
    place = Path(experiment.runs) / experiment.name
    try:
        trial = trial_folder(place)
    except OSError as error:
        why = failed(f"nothing can be made in {place}: {error.strerror}", ELSEWHERE)
        yield check("folder of runs", lambda: why)
        return
    try:
        yield from folder_checks(experiment, place, trial)
        if arrays is None:
            yield check("Slurm", lambda: Finding("not asked for; children run on this machine"))
        else:
            yield from cluster_checks(arrays, trial, minutes)
    finally:
        shutil.rmtree(trial)
