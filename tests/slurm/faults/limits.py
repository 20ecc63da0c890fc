"""The search's job at its time limit, which is in whole minutes."""

from __future__ import annotations

import sys

from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import until


def in_parts(scene: Scene) -> None:
    """The search in parts, as the workflow runs it, each in a job of one minute."""
    subject = scene.subject
    margin = scene.chance.uniform(32.0, 40.0)
    part = [sys.executable, "-m", "nas_hpc", "part", "--margin", f"{margin:.1f}"]
    part += ["--marker", str(subject.folder / "part.json"), "--minutes", "1", "--"]
    subject.command = [*part, *subject.command[3:]]
    subject.minutes = 1
    subject.submit()


def short(scene: Scene) -> None:
    scene.subject.minutes = 1
    scene.subject.submit()


def limit_of_a_part(scene: Scene) -> None:
    until(lambda: not scene.subject.active(), "the end of the first part")


def limit(scene: Scene) -> None:
    """Slurm ends a search that knows of no limit."""
    until(lambda: not scene.subject.active(), "the limit")
    scene.subject.minutes = 30


FAULTS = (
    Fault(
        "time limit, in parts",
        limit_of_a_part,
        (r"log: search: time limit near; another part goes on", r"event ended: interrupted"),
        child={"seconds": 5.0},
        start=in_parts,
    ),
    Fault(
        "time limit, by surprise",
        limit,
        (r"log: .*(TIME LIMIT|DUE TO TIME)", r"event resumed"),
        child={"seconds": 25.0},
        start=short,
        long=True,
    ),
)
