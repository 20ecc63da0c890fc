"""Processes of the search that are killed."""

from __future__ import annotations

import psutil

from tests.slurm.faults.fault import Fault, Scene

DIED = r"log: .*(KILLED BY SIGNAL: 9|EXIT CODE: 9|exit code [1-9]|is not done)"
RESUMED = r"event resumed: process \d+ on n\d \(user \w+, Slurm job \d+\)"


def rank(scene: Scene) -> None:
    scene.chance.choice(scene.subject.ranks()[1:]).kill()


def dispatcher(scene: Scene) -> None:
    scene.subject.dispatcher().kill()


def child(scene: Scene) -> None:
    _, slot = scene.chance.choice(scene.subject.at_work())
    psutil.Process(slot.child.pid).kill()


FAULTS = (
    Fault("rank killed", rank, (DIED, RESUMED)),
    Fault("dispatcher killed", dispatcher, (DIED, RESUMED)),
    Fault("child killed", child, (r"event retried: trial \d+: killed, signal 9",)),
)
