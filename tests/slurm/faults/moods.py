"""Children that misbehave; see ``own``."""

from __future__ import annotations

from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import until


def misbehave(scene: Scene, mood: str) -> int:
    """Have one of the trials that are being trained do so at the end of its epoch; which one."""
    subject = scene.subject

    def misbehaved(trial: int) -> bool:
        return any(t == trial and what == "misbehave" for _, t, what, _ in subject.diary())

    while True:
        trial, _ = scene.chance.choice(subject.at_work())
        hidden = subject.place / "mood"
        hidden.write_text(mood)
        hidden.rename(subject.place / "moods" / str(trial))
        until(lambda t=trial: misbehaved(t) or t not in subject.training(), "misbehaviour")
        if misbehaved(trial):
            return trial


def eats_once(scene: Scene) -> str:
    return rf"outcome {misbehave(scene, 'eat once')}\.2 ok"


def eats_always(scene: Scene) -> str:
    return rf"outcome {misbehave(scene, 'eat')}\.2 out of memory: .*alone"


def late(scene: Scene) -> str:
    """But still within grace_seconds, for which the end of its task is not believed."""
    return rf"outcome {misbehave(scene, f'late {scene.chance.uniform(0.5, 2.8)}')}\.1 ok"


TOO_MUCH = r"log: .*(xceeded|out.of|oom).*memory"

FAULTS = (
    Fault("out of memory once", eats_once, (r"event retried: trial \d+: killed, .*gone", TOO_MUCH)),
    Fault("out of memory always", eats_always, (r"slot .*: OUT_OF_MEMORY", TOO_MUCH)),
    Fault("outcome appears late", late, (r"slot .*: FAILED",)),
)
