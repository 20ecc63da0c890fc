"""Children that misbehave; see ``own``."""

from __future__ import annotations

import time

from tests.slurm.faults.fault import Fault, Scene


def misbehave(scene: Scene, mood: str) -> None:
    """Have one of the trials that are being trained do so at the end of its epoch."""
    acted = 0
    while not acted:
        trial, _ = scene.chance.choice(scene.subject.at_work())
        hidden = scene.subject.place / "mood"
        hidden.write_text(mood)
        hidden.rename(scene.subject.place / "moods" / str(trial))
        while not acted and trial in scene.subject.training():
            time.sleep(0.05)
            acted = [t for _, t, what, _ in scene.subject.diary() if what == "misbehave"].count(
                trial
            )


def eats_once(scene: Scene) -> None:
    misbehave(scene, "eat once")


def eats_always(scene: Scene) -> None:
    misbehave(scene, "eat")


def late(scene: Scene) -> None:
    """But still within grace_seconds, for which the end of its task is not believed."""
    misbehave(scene, f"late {scene.chance.uniform(0.5, 2.8)}")


TOO_MUCH = r"log: .*(xceeded|out.of|oom).*memory"

FAULTS = (
    Fault("out of memory once", eats_once, (r"event retried: trial \d+: .*gone", TOO_MUCH)),
    Fault("out of memory always", eats_always, (r"event lost: trial \d+ given up", TOO_MUCH)),
    Fault("outcome appears late", late, (r"slot .*: FAILED",)),
)
