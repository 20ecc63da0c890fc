"""Experiments as they look on disk, written through the store, without training anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from nas_hpc.experiment import Experiment
from nas_hpc.experiment.measure import PERPLEXITY
from nas_hpc.spaces import canonical, describe, digest, draw, load_space
from nas_hpc.store import (
    Event,
    Identity,
    Outcome,
    Record,
    RunFolder,
    Sample,
    Update,
    Writer,
    claim_session,
    write_json,
)

START = 1_700_000_000.0
LAYER = {
    "type": "ConvLayer",
    "height": 3,
    "width": 3,
    "filters": 4,
    "stride_height": 1,
    "stride_width": 1,
    "inputs": [],
}
ONE_LAYER = canonical({"type": "ConvNet", "layers": [LAYER]})


def experiment_in(folder: Path, **changes) -> Experiment:
    """A small experiment whose runs lie in the folder."""
    keys = {
        "name": "lab",
        "title": "Made up for tests",
        "runs": str(folder / "runs"),
        "space": {"arguments": {"depth": 4}},
        "budget": {"trials": 30},
        "slots": {"count": 2},
        "search": {"replicas": 2, "shards": 2, "replica_ranks": 1, "server_ranks": 1},
        "retrain": {"candidates": 3, "rescore_seeds": 3},
    }
    return Experiment.model_validate(keys | changes)


def language_in(folder: Path, **changes) -> Experiment:
    """The same of language models, with recurrent cells of two leaves."""
    keys = {
        "space": {"name": "recurrent-cell", "options": {"base": 2}, "arguments": {}},
        "data": {"name": "pydoc"},
        "child": {"name": "language-model"},
    }
    return experiment_in(folder, **keys | changes)


def place_of(experiment: Experiment) -> Path:
    return Path(experiment.runs) / experiment.name


def sample(number: int, trial: int | None = None, **changes) -> Sample:
    """A sample; of an earlier trial's architecture if ``trial`` is given."""
    values = {
        "number": number,
        "trial": number if trial is None else trial,
        "batch": number,
        "replica": 0,
        "version": 0,
        "session": 1,
        "arguments": {"depth": 1},
        "tokens": (("layer 0/filters", 0),),
        "log_probability": -1.0,
        "entropy": 1.0,
        "key": f"key {number if trial is None else trial}",
        "architecture": ONE_LAYER,
        "time": START + number,
    }
    return Sample(**values | changes)


def outcome(trial: int, reward: float = 0.5, **changes) -> Outcome:
    """An outcome of 10 seconds."""
    values = {
        "trial": trial,
        "status": "ok",
        "reward": reward,
        "started": START + 10 * trial,
        "ended": START + 10 * trial + 10,
        "seconds": 9.5,
        "slot": "slot-0",
        "host": "lab",
        "device": "cpu",
        "versions": "nas_hpc 0.1.0",
        "metrics": {"parameters": 100 + trial},
    }
    return Outcome(**values | changes)


def update(ticket: int, samples: Sequence[int], rewards: Sequence[float], time: float) -> Update:
    return Update(ticket, 0, 1, tuple(samples), tuple(rewards), tuple(rewards), 0.5, 0.1, time)


def record(experiment: Experiment, strategy: str, records: Sequence[Record]) -> RunFolder:
    """Write records as a search does, a few to a commit."""
    folder = RunFolder(place_of(experiment) / strategy)
    folder.create()
    writer = Writer(folder, claim_session(folder, Identity.mine(), "digest"))
    for few in range(0, len(records), 25):
        writer.commit(records[few : few + 25])
    return folder


@dataclass
class Course:
    """How a made-up search goes.

    trials: that end; gain: of accuracy from first to last; repeats: chance that the last sample
    proposes what is known; fails: every so manieth trial diverges; killed: trials whose first
    attempt is ended by a signal; ends: the reason, empty for a search that goes on.
    """

    trials: int
    gain: float = 0.0
    repeats: float = 0.0
    fails: int = 0
    killed: tuple[int, ...] = ()
    ends: str = "budget spent"
    seed: int = 0


def make_search(experiment: Experiment, strategy: str, course: Course) -> RunFolder:
    """A search of real architectures with made-up rewards."""
    rng = np.random.default_rng(course.seed)
    clock = [START] * experiment.slots.count
    records: list[Record] = [Event("started", "process 1 on lab", START)]
    known: list[Sample] = []
    number = 0
    while len(known) < course.trials:
        progress = len(known) / course.trials
        slot = int(np.argmin(clock))
        entropy = 18 * (1 - 0.6 * progress * bool(course.gain))
        version = 0 if strategy == "random" else len(known)
        about = {"entropy": entropy, "version": version, "time": clock[slot]}
        if known and rng.random() < course.repeats * progress:
            first = known[rng.integers(len(known))]
            shared = ("trial", "arguments", "tokens", "key", "architecture")
            records.append(
                sample(number, **about | {name: getattr(first, name) for name in shared})
            )
        else:
            arguments = experiment.arguments(number)
            walk = draw(load_space(experiment), arguments, rng)
            architecture = canonical(describe(walk.architecture))
            about |= {"arguments": arguments, "tokens": walk.tokens, "architecture": architecture}
            known.append(sample(number, **about | {"key": digest(architecture)}))
            records.append(known[-1])
            ended = _attempts(experiment, course, number, slot, clock, progress, rng)
            records += ended
            records.append(update(len(known), [number], [ended[-1].reward], clock[slot]))
        number += 1
    if course.ends:
        records.append(Event("ended", course.ends, max(clock)))
    return record(experiment, strategy, records)


def _attempts(experiment, course, trial, slot, clock, progress, rng) -> list[Outcome]:
    found = []
    if trial in course.killed:
        began, clock[slot] = clock[slot], clock[slot] + 3.0
        times = {"started": began, "ended": clock[slot], "seconds": 3.0}
        found.append(outcome(trial, float("nan"), status="killed", reason="signal 9", **times))
    began = clock[slot] + 0.5
    clock[slot] = began + float(rng.uniform(5, 15))
    about = {"attempt": len(found) + 1, "slot": f"slot-{slot}", "seed": 100 + trial}
    about |= {"started": began, "ended": clock[slot], "seconds": clock[slot] - began}
    accuracy = min(0.995, 0.85 + course.gain * progress + float(rng.normal(0, 0.02)))
    if course.fails and trial % course.fails == course.fails - 1:
        failure = {"status": "diverged", "reason": "loss nan", "metrics": {}}
        return [*found, outcome(trial, experiment.reward.failure, **about | failure)]
    epochs, reward = [accuracy - 0.1, accuracy, accuracy - 0.005], accuracy**experiment.reward.power
    if experiment.training.measure is PERPLEXITY:
        epochs = [100 / epoch for epoch in epochs]
        reward = experiment.reward.scale / min(epochs) ** 2
    metric = experiment.training.measure.validation
    about["metrics"] = {metric: epochs, "parameters": 5000 + trial}
    return [*found, outcome(trial, reward, **about)]


def make_data(experiment: Experiment, **changes) -> None:
    """What the report reads of prepared data: 8 x 8 images in 10 classes, or what is given."""
    folder = place_of(experiment) / "data"
    folder.mkdir(parents=True)
    images = {"train": [900, 1, 8, 8], "validation": [450, 1, 8, 8], "test": [447, 1, 8, 8]}
    write_json(folder / "data.json", {"name": "digits", "classes": 10} | images | changes)


TESTS = (0.951, 0.957, 0.960)
FOUR_LAYERS = {"type": "ConvNet", "layers": [LAYER] * 4}


def make_retraining(
    experiment: Experiment,
    trials: Sequence[int],
    contender: str = "",
    tests: Sequence[float] = TESTS,
    architecture: Mapping[str, Any] = FOUR_LAYERS,
) -> None:
    """What the final training publishes for these candidates, the first of them chosen.

    Results on validation data are made up from those of the tests, which are accuracies or
    perplexities as the experiment's measure has it.
    """
    rng = np.random.default_rng(0)
    measure = experiment.training.measure
    folder = place_of(experiment) / "retrain" / (f"beside/{contender}" if contender else "")
    for part in ("rescore", "grid", "final"):
        (folder / part).mkdir(parents=True)
    for i, trial in enumerate(trials):
        rewards = [0.75 - 0.02 * i + float(rng.normal(0, 0.01)) for _ in range(3)]
        found = {"candidate": i, "trial": trial, "rewards": rewards, "seconds": 30.0}
        found |= {"mean": fmean(rewards), "sd": stdev(rewards)}
        write_json(folder / "rescore" / f"{i}.json", found)
    grid = experiment.retrain.grid.model_dump(mode="json")
    for number, point in enumerate(product(*grid.values())):
        result = None if number == 5 else tests[0] + 0.001 * ((number * 3) % 8 - 1)
        found = {
            "candidate": 0,
            "top": 0,
            "point": number,
            "trial": trials[0] if trials else 0,
            "training": {"epochs": 40} | dict(zip(grid, point, strict=True)),
            "status": "ok" if result else "diverged",
            "reward": result**3 if result else 0.0,
            measure.validation: result,
            "parameters": 5001,
            "seconds": 60.0,
        }
        write_json(folder / "grid" / f"0-{number}.json", found)
        if number == 2:
            write_json(folder / "chosen.json", found | {"tokens": [], "architecture": architecture})
    for k, result in enumerate(tests):
        found = {"seed_number": k, "status": "ok", "seconds": 61.0, "parameters": 5001}
        found |= {measure.test: result, measure.validation: result + 0.01}
        write_json(folder / "final" / f"{k}.json", found)
