"""Slurm's own programs and nodes that go away, and come back."""

from __future__ import annotations

import psutil

from nas_hpc.store import current_session
from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import until
from tests.slurm.lab import Node

SILENCE = r"log: Slurm does not answer, so nothing is decided: "


def a_childrens_node(scene: Scene) -> None:
    _, slot = scene.chance.choice(scene.subject.at_work())
    fails(scene, slot.identity.host)


def the_searchs_node(scene: Scene) -> None:
    """Slurm starts the search again on another one, without a person."""
    session = current_session(scene.subject.run)
    assert session is not None
    fails(scene, session.identity.host)


def fails(scene: Scene, name: str) -> None:
    """The node is back when slurmctld has noticed, or somewhat later."""
    node = scene.cluster.nodes[name]
    try:
        node.fail()
        until(lambda: is_down(scene, node), f"slurmctld to miss {name}")
        scene.wait(0.0, 5.0)
    finally:
        node.back()
        scene.cluster.wait_ready()


def is_down(scene: Scene, node: Node) -> bool:
    return scene.cluster.sinfo()[node.name].startswith("down")


def controller_restarts(scene: Scene) -> None:
    scene.cluster.slurmctld.stop()
    scene.cluster.slurmctld.start()
    scene.cluster.wait_ready()


def controller_away(scene: Scene) -> None:
    """Meanwhile a slot dies, which nobody can tell."""
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.slurmctld.stop()
    try:
        psutil.Process(slot.identity.pid).kill()
        scene.wait(*((60.0, 70.0) if scene.long else (15.0, 20.0)))
    finally:
        scene.cluster.slurmctld.start()
        scene.cluster.wait_ready()


def accounting_away(scene: Scene) -> None:
    """While it is asked for, and an array must be submitted besides."""
    _, slot = scene.chance.choice(scene.subject.at_work())
    scene.cluster.slurmdbd.stop()
    try:
        scene.cluster.scancel(slot.identity.job.partition("_")[0])
        scene.wait(8.0, 15.0)
    finally:
        scene.cluster.slurmdbd.start()


GONE = r"event retried: trial \d+: lost, slot \S+ is gone: [A-Z]+"

FAULTS = (
    Fault("node of children fails", a_childrens_node, (GONE,)),
    Fault("node of the search fails", the_searchs_node, (r"event resumed",), long=True),
    Fault("slurmctld restarted", controller_restarts, ()),
    Fault(
        "slurmctld away",
        controller_away,
        (SILENCE + "squeue", r"log: Slurm answers again", GONE),
        arrays={"poll_with": "squeue"},
        child={"seconds": 3.0},
    ),
    Fault(
        "slurmdbd away",
        accounting_away,
        (SILENCE + "sacct", r"log: Slurm answers again"),
        arrays={"poll_with": "sacct"},
    ),
)
