"""What Slurm has accounted for the tasks in which slots have lived."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from nas_hpc.cluster.jobs import run

PATIENCE = 20.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True)
class Accounted:
    """Sums over tasks, all runs of a requeued one included.

    Attributes:
        tasks: that sacct knows of.
        device_seconds: their time, times the GPUs that were allocated, or 1 without any.
    """

    tasks: int
    device_seconds: float


def accounted(tasks: Collection[str]) -> Accounted:
    """Ask sacct about tasks, named as ``123_4`` or ``123``; one command for all of them.

    Raises:
        NoAnswer: sacct is not there, fails, or takes too long.
    """
    jobs = ",".join(sorted({task.partition("_")[0] for task in tasks}))
    command = ["sacct", "--allocations", "--noheader", "--parsable2", "--duplicates"]
    command += [f"--jobs={jobs}", "--format=JobID,ElapsedRaw,AllocTRES"]
    return total(run(command, PATIENCE), tasks)


def total(lines: str, tasks: Collection[str]) -> Accounted:
    """The sums of the tasks among sacct's lines of ``JobID|ElapsedRaw|AllocTRES``."""
    found, seconds = set(), 0.0
    for line in lines.splitlines():
        task, elapsed, resources = line.split("|")
        if task in tasks:
            found.add(task)
            gpus = re.search(r"\bgres/gpu=(\d+)", resources)
            seconds += int(elapsed or 0) * (int(gpus[1]) if gpus else 1)
    return Accounted(len(found), seconds)
