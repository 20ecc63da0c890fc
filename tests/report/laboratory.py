"""Experiments as they look on disk, written through the store, without training anything."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas_hpc.experiment import Experiment
from nas_hpc.spaces import canonical, describe, digest, draw, load_space
from nas_hpc.store import (
    Event,
    Identity,
    Outcome,
    RunFolder,
    Sample,
    Update,
    Writer,
    claim_session,
    write_json,
)

START = 1_700_000_000.0
POWER = 3.0


def experiment_in(folder: Path, **changes) -> Experiment:
    """A small experiment whose runs lie in the folder."""
    keys = {
        "name": "lab",
        "title": "Made up for tests",
        "runs": str(folder / "runs"),
        "space": {"arguments": {"depth": 4}, "options": {}},
        "budget": {"trials": 30},
        "slots": {"count": 2},
        "search": {"replicas": 2, "shards": 2, "replica_ranks": 1, "server_ranks": 1},
        "retrain": {"candidates": 3, "rescore_seeds": 3},
    }
    return Experiment.model_validate(keys | changes)


def folder_of(experiment: Experiment, strategy: str) -> RunFolder:
    return RunFolder(Path(experiment.runs) / experiment.name / strategy)


@dataclass
class Course:
    """How a made-up search goes.

    learning: gain of accuracy from its start to its end; repeats: chance that the last sample
    proposes what is known; failing: every so manieth trial diverges; killed: trials whose first
    attempt is ended by a signal; ends: the reason written, empty for a search that goes on.
    """

    trials: int
    learning: float = 0.0
    repeats: float = 0.0
    failing: int = 0
    killed: tuple[int, ...] = ()
    ends: str = "budget spent"
    in_flight: int = 0
    seconds: float = 10.0
    pause_after: int | None = None


def make_search(experiment: Experiment, strategy: str, course: Course, seed: int = 0) -> RunFolder:
    """Write a search in small commits, as the dispatcher does."""
    folder = folder_of(experiment, strategy)
    folder.create()
    rng = np.random.default_rng(seed)
    space = load_space(experiment)
    writer = Writer(folder, claim_session(folder, Identity.mine(), "digest"))
    clock = [START] * experiment.slots.count
    known: list[Sample] = []
    samples = trials = ticket = 0
    writer.commit([Event("started", "process 1 on lab", START)])
    while trials < course.trials + course.in_flight:
        progress = trials / max(1, course.trials)
        version = ticket if strategy != "random" else 0
        arguments = experiment.arguments(samples)
        if known and rng.random() < course.repeats * progress:
            first = known[rng.integers(len(known))]
            tokens, architecture, key, trial = (
                first.tokens,
                first.architecture,
                first.key,
                first.trial,
            )
        else:
            walk = draw(space, arguments, rng)
            architecture = canonical(describe(walk.architecture))
            tokens, key, trial = walk.tokens, digest(architecture), samples
        new = trial == samples
        slot = int(np.argmin(clock))
        entropy = len(tokens) * (1.0 - 0.6 * progress * (course.learning > 0))
        sample = Sample(
            samples, trial, samples, samples % 2, version, 1, arguments, tokens,
            -entropy + float(rng.normal()), entropy, key, architecture, clock[slot],
        )  # fmt: skip
        records: list = [sample]
        samples += 1
        if new:
            known.append(sample)
            trials += 1
            if trials <= course.trials:
                outcomes = _outcomes(experiment, course, sample, slot, clock, progress, rng)
                records += outcomes
                ticket += 1
                reward = outcomes[-1].reward
                records.append(
                    Update(ticket, samples % 2, 1, (sample.number,), (reward,), (0.1,), 0.5, 0.1,
                           outcomes[-1].ended)
                )  # fmt: skip
        writer.commit(records)
        if trials == course.pause_after and new:
            clock = [max(clock) + 5000.0] * len(clock)
            writer.commit([Event("resumed", "process 2 on lab", clock[0])])
    if course.ends:
        writer.commit([Event("ended", course.ends, max(clock))])
    writer.close()
    return folder


def _outcomes(experiment, course, sample, slot, clock, progress, rng) -> list[Outcome]:
    found = []
    number = sample.number
    attempt = 1
    if number in course.killed:
        began, ended = clock[slot], clock[slot] + 3.0
        clock[slot] = ended
        found.append(
            Outcome(number, "killed", math.nan, "signal 9", 1, 7, began, ended, 3.0, f"slot-{slot}",
                    "lab")
        )  # fmt: skip
        attempt = 2
    seconds = course.seconds * float(rng.uniform(0.5, 1.5))
    began = clock[slot] + 0.5
    clock[slot] = began + seconds
    failed = course.failing and number % course.failing == course.failing - 1
    accuracy = 0.85 + course.learning * progress + float(rng.normal(0, 0.02))
    accuracy = min(0.995, accuracy)
    epochs = [accuracy - 0.1, accuracy - 0.03, accuracy, accuracy - 0.005]
    found.append(
        Outcome(
            trial=number,
            status="diverged" if failed else "ok",
            reward=experiment.reward.failure if failed else accuracy**POWER,
            reason="loss nan" if failed else "",
            attempt=attempt,
            seed=100 + number,
            started=began,
            ended=clock[slot],
            seconds=seconds,
            slot=f"slot-{slot}",
            host="lab",
            device="cpu",
            versions="nas_hpc 0.1.0, Python 3.11.2, torch 2.14.1",
            metrics={} if failed else {"validation_accuracy": epochs, "parameters": 5000 + number},
        )
    )
    return found


def make_data(experiment: Experiment, shape=(900, 1, 8, 8), classes: int = 10) -> None:
    folder = Path(experiment.runs) / experiment.name / "data"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "data.json", {"name": "digits", "train": list(shape), "classes": classes})


def make_retraining(experiment: Experiment, trials: list[int], seed: int = 0) -> None:
    """What the final training publishes, for these candidates."""
    rng = np.random.default_rng(seed)
    folder = Path(experiment.runs) / experiment.name / "retrain"
    for part in ("rescore", "grid", "final"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for i, trial in enumerate(trials):
        rewards = [round(0.75 - 0.02 * i + float(rng.normal(0, 0.01)), 6) for _ in range(3)]
        write_json(folder / "rescore" / f"{i}.json", {
            "candidate": i, "trial": trial, "seeds": [1, 2, 3], "statuses": ["ok"] * 3,
            "rewards": rewards, "mean": float(np.mean(rewards)),
            "sd": float(np.std(rewards, ddof=1)), "seconds": 30.0,
        })  # fmt: skip
    grid = []
    values = [
        (rate, decay, epsilon)
        for rate in (0.1, 0.05)
        for decay in (1e-4, 5e-4)
        for epsilon in (1e-5, 1e-3)
    ]
    for point, (rate, decay, epsilon) in enumerate(values):
        ok = point != 5
        accuracy = round(0.96 + float(rng.normal(0, 0.008)), 4)
        entry = {
            "candidate": 0, "top": 0, "point": point, "trial": trials[0],
            "training": {
                "epochs": 40, "learning_rate": rate, "weight_decay": decay,
                "batch_norm_epsilon": epsilon, "decay_at": [0.5, 0.75],
            },
            "status": "ok" if ok else "diverged", "reward": accuracy**3 if ok else 0.0,
            "validation_accuracy": accuracy if ok else None, "parameters": 5001 if ok else None,
            "seconds": 60.0,
        }  # fmt: skip
        grid.append(entry)
        write_json(folder / "grid" / f"0-{point}.json", entry)
    chosen = max((e for e in grid if e["status"] == "ok"), key=lambda e: e["reward"])
    write_json(folder / "chosen.json", chosen | {"tokens": [], "arguments": {}, "architecture": {}})
    for k, accuracy in enumerate((0.951, 0.957, 0.960)):
        write_json(folder / "final" / f"{k}.json", {
            "seed_number": k, "status": "ok", "test_accuracy": accuracy,
            "validation_accuracy": accuracy + 0.005, "seconds": 61.0,
        })  # fmt: skip


def architectures(rows) -> list[dict]:
    return [json.loads(row.architecture) for row in rows]
