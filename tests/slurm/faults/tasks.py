"""Tasks of arrays that are cancelled, started again, or take too much."""

from __future__ import annotations

from tests.slurm.faults.fault import Fault, Scene

TOLD = r"event retried: trial \d+: lost, (.* was told to end by signal|.*CANCELLED)"


def one_task(scene: Scene) -> None:
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.scancel(slot.identity.job)


def whole_array(scene: Scene) -> None:
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.scancel(slot.identity.job.partition("_")[0])


def requeue(scene: Scene) -> None:
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.run("scontrol", "requeue", slot.identity.job)


FAULTS = (
    Fault("task cancelled", one_task, (TOLD,)),
    Fault("array cancelled", whole_array, (TOLD,)),
    Fault("task requeued", requeue, (TOLD,)),
)
