"""A disk with no room for a while."""

from __future__ import annotations

from tests.slurm.faults.fault import Fault, Scene

SMALL = ("24m", 1500)


def disk_full(scene: Scene) -> None:
    assert scene.disk is not None
    scene.disk.fill(leave=scene.chance.choice((0, 4096, 40_000)))
    scene.wait(6.0, 10.0)
    scene.disk.free()


def no_inodes(scene: Scene) -> None:
    assert scene.disk is not None
    scene.disk.fill_inodes()
    scene.wait(6.0, 10.0)
    scene.disk.free()


FAULTS = (
    Fault("disk full", disk_full, (r"event paused: .*No space left: .* MB are free",), disk=SMALL),
    Fault("no inodes", no_inodes, (r"event paused: .*No space left: none of the",), disk=SMALL),
)
