"""A fault, and a search that goes through it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_hpc.store import current_session
from tests.slurm.faults.promises import Row, judge
from tests.slurm.faults.subject import Subject, until
from tests.slurm.faults.watch import Watch
from tests.slurm.lab import Cluster, Trouble
from tests.small_disk import SmallDisk


@dataclass
class Scene:
    """Where a fault strikes.

    Attributes:
        subject, watch: the search, and what has been seen of it.
        chance: decides all that is left to chance.
        long: whether the fault may take its time.
        disk: the small one that the run folder is on; None: it is on the machine's own.
        started: processes that the fault has started.
    """

    subject: Subject
    watch: Watch
    chance: random.Random
    long: bool
    disk: SmallDisk | None = None
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return self.subject.cluster

    def wait(self, least: float, most: float) -> None:
        """For a random time."""
        time.sleep(self.chance.uniform(least, most))

    def rewards(self, count: int) -> None:
        """Until so many rewards are acknowledged, or nobody is there to do it."""

        def enough() -> object:
            if len(self.watch.acknowledged) >= count:
                return True
            return current_session(self.subject.run) and not self.subject.active()

        until(enough, f"{count} rewards")


@dataclass(frozen=True)
class Fault:
    """Something that happens to a search.

    Attributes:
        name: in the table, and to ask for it.
        strike: makes it happen, and returns when it is over; perhaps with another pattern.
        told: patterns of what log and store must say afterwards.
        disk: size and inodes of a small disk for the run folder.
        arrays, child: changes of the search under test.
        start: starts the search, where that is part of the fault.
        long: takes minutes.
    """

    name: str
    strike: Callable[[Scene], str | None]
    told: tuple[str, ...]
    disk: tuple[str, int] | None = None
    arrays: Mapping[str, Any] = field(default_factory=dict)
    child: Mapping[str, Any] = field(default_factory=dict)
    start: Callable[[Scene], object] = lambda scene: scene.subject.submit()
    long: bool = False


def go_through(fault: Fault, cluster: Cluster, folder: Path, seed: int, long: bool) -> Row:
    """Run a search, have the fault strike once some rewards are there, and see it to its end."""
    row = Row(fault.name, seed)
    chance = random.Random(f"{fault.name} {seed}")
    cluster.wait_ready()
    began = time.monotonic()
    disk = SmallDisk(folder / "disk", *fault.disk) if fault.disk else None
    runs = disk.path / "runs" if disk else None
    subject = Subject(cluster, folder, runs, dict(fault.arrays), dict(fault.child))
    watch = Watch(subject.run)
    scene = Scene(subject, watch, chance, long, disk)
    told = list(fault.told)
    try:
        fault.start(scene)
        scene.rewards(chance.randint(1, 5))
        scene.wait(0.0, 1.0)
        if subject.ending().done:
            raise Trouble("the search was over before the fault")
        row.acknowledged = len(watch.acknowledged)
        pattern = fault.strike(scene)
        told += [pattern] if pattern else []
        subject.finish()
        until(lambda: not subject.queue(), "the end of its children's tasks")
    except Exception as error:  # the other faults have their turn all the same
        row.broken.append(f"{type(error).__name__}: {error}")
    finally:
        watch.stop()
        for process in scene.started:
            process.kill()
            process.wait()
        if disk:
            disk.free()
        if subject.run.sessions.exists():
            judge(row, subject, watch, told)
        subject.remove()
        if disk:
            disk.unmount()
    row.seconds = time.monotonic() - began
    return row
