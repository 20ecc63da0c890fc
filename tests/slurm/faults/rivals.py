"""More than one process that would write: one after another, or one beside another."""

from __future__ import annotations

import subprocess

import psutil

from nas_hpc.store import current_session
from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import SEARCH_NODES, until
from tests.slurm.lab import Trouble


def stopped_and_woken(scene: Scene) -> None:
    """The network to the writer's node breaks; Slurm starts its job on another one; it comes back.

    What the node does meanwhile is left out by stopping the writer: it believes to be the only one.
    """
    subject = scene.subject
    session, writer = current_session(subject.run), subject.dispatcher()
    node = scene.cluster.nodes[session.identity.host]
    writer.suspend()
    node.slurmd.kill()  # its jobs go on
    try:
        until(lambda: current_session(subject.run).epoch > session.epoch, "another writer")
        scene.wait(0.0, 4.0)
        writer.resume()
        until(lambda: not lives(writer), "the end of the first writer")
    finally:
        node.back()
        scene.cluster.wait_ready()


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def the_same_again(scene: Scene) -> None:
    """It waits until the first one is killed, on the same node or on another."""
    subject = scene.subject
    with subject.held():
        subject.submit(f"--nodelist={scene.chance.choice(SEARCH_NODES)}")
        until(lambda: "following the search" in subject.log.read_text(), "the second to follow")
    scene.wait(0.0, 1.0)
    subject.dispatcher().kill()


def another(scene: Scene) -> None:
    """Two that differ from the first, given in a terminal: in what may change, and what may not."""
    subject = scene.subject
    for key, value in {"budget": {"trials": 30}, "seed": 6}.items():
        (subject.folder / key).mkdir()
        other = subject.write(f"{key}/{subject.yaml.name}", subject.settings | {key: value})
        with subject.held(), subject.log.open("ab") as log:
            refused = subprocess.run(
                subject.search(other),
                env=scene.cluster.environment,
                cwd=subject.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=60,
            )
        if refused.returncode != 1:
            raise Trouble(f"a search with another {key} ended with {refused.returncode}")


FAULTS = (
    Fault("writer stopped, replaced, woken", stopped_and_woken, (r"superseded by session 2",)),
    Fault(
        "a second search, the same",
        the_same_again,
        (r"log: following the search that already runs: process \d+ on n\d", r"event resumed"),
    ),
    Fault(
        "a second search, another",
        another,
        (
            r"is being written by process \d+ on n\d \(user \w+, Slurm job \d+\), with another",
            r"log: .*seed.* 5.* 6",
            r"log: it is being written by process \d+ on n\d \(user \w+, Slurm job \d+\)",
        ),
    ),
)
