"""Records and folders that the tests of the store share."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nas_hpc.store import (
    Checkpoint,
    Event,
    Identity,
    Outcome,
    RunFolder,
    Sample,
    Session,
    SlotUse,
    Update,
    claim_session,
)


def new_folder(root: Path) -> RunFolder:
    folder = RunFolder(root)
    folder.create()
    return folder


def claim(folder: RunFolder) -> Session:
    return claim_session(folder, Identity.mine(), "digest")


def sample(number: int) -> Sample:
    """A sample that follows from its number alone, with number % 7 tokens."""
    return Sample(
        number=number,
        trial=number,
        batch=number // 8,
        replica=number % 3,
        version=number // 2,
        session=1,
        arguments={"depth": 6},
        tokens=tuple((f"layer {i}/filters", (number + i) % 4) for i in range(number % 7)),
        log_probability=-0.5 * number,
        entropy=1.25,
        key=f"{number:064x}",
        architecture=f'{{"number":{number}}}',
        time=1.7e9 + number,
    )


def outcome(trial: int) -> Outcome:
    return Outcome(
        trial,
        "ok",
        0.75,
        attempt=2,
        seed=2**63 + trial,
        started=1.0,
        ended=3.5,
        seconds=2.5,
        slot="local-0",
        devices=0.5,
        host="maschine-ä",
        device="cpu",
        versions="nas_hpc 0.1.0",
        metrics={"validation_accuracy": [0.5, 0.75], "parameters": 1200},
    )


def update(ticket: int) -> Update:
    samples = tuple(range(ticket * 8, ticket * 8 + ticket % 3))
    rewards = tuple(0.1 * number for number in samples)
    return Update(ticket, 0, 1, samples, rewards, rewards, math.inf, 0.25, 1.7e9)


def event(number: int) -> Event:
    return Event("resumed", f"for the {number}th time", 1.7e9 + number)


def slot_use(number: int) -> SlotUse:
    return SlotUse(f"slot-{number}", f"12_{number}", "n1", 0.5, 1.0, 2.5, 9.0, "PREEMPTED")


def checkpoint(ticket: int, size: int = 500) -> Checkpoint:
    rng = np.random.default_rng(ticket)
    theta, first, second, accumulated = rng.normal(size=(4, size))
    return Checkpoint(ticket, ticket // 2, theta, first, second, accumulated, 3, '{"seen": [1, 2]}')
