"""The steps that train. Each may be killed at any time, and goes on when it is started again."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from nas_hpc.experiment import Experiment
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.points import points, training_at
from nas_hpc.retrain.selection import Found
from nas_hpc.retrain.sharing import shared
from nas_hpc.retrain.work import Work, carry_out
from nas_hpc.spaces import SpaceError
from nas_hpc.store import Outcome
from nas_hpc.store.durable import write_durably

RESCORE, GRID, FINAL = (int.from_bytes(name) for name in (b"rescore", b"grid", b"final"))
"""Set the random numbers of these steps apart from each other and from the search's."""


def rescore(experiment: Experiment, candidate: int, contender: str = "") -> Found:
    """Train a candidate anew with new seeds, at the fidelity of the search.

    Args:
        experiment: says how.
        candidate: its number.
        contender: whose candidate, see `nas_hpc.retrain.contender`.

    Returns:
        candidate, trial, seeds, statuses, rewards (one for each seed), their mean and sample
        standard deviation (None for a single one), seconds in all.

    Raises:
        RetrainError: there is no such candidate, or a training failed, see `carry_out`.
    """
    folder = RetrainFolder.of(experiment, contender)
    chosen = numbered(folder.published(folder.candidates, "candidates"), candidate, "candidate")
    seeds = [
        seed_of(experiment, RESCORE, chosen["trial"], k)
        for k in range(experiment.retrain.rescore_seeds)
    ]
    works = [Work.on(chosen, experiment.training, seed) for seed in seeds]
    outcomes = [carry_out(experiment, folder, work, f"rescore-{candidate}")[0] for work in works]
    rewards = [outcome.reward for outcome in outcomes]
    return folder.publish(
        folder.rescored(candidate),
        {
            "candidate": candidate,
            "trial": chosen["trial"],
            "seeds": seeds,
            "statuses": [outcome.status for outcome in outcomes],
            "rewards": rewards,
            "mean": fmean(rewards),
            "sd": stdev(rewards) if len(rewards) > 1 else None,
            "seconds": sum(outcome.seconds for outcome in outcomes),
        },
    )


def grid_point(experiment: Experiment, top: int, point: int, contender: str = "") -> Found:
    """Train an architecture of the shortlist from scratch at one point of the grid.

    All points of all architectures have the same seed, so that they differ by themselves only.

    Args:
        experiment: says which points there are.
        top: number of the architecture in the shortlist.
        point: number of the point.
        contender: whose shortlist, see `nas_hpc.retrain.contender`.

    Returns:
        candidate, top and point (numbers), and what `result_of` says.

    Raises:
        RetrainError: there is no such point, or the training failed, see `carry_out`.
    """
    folder = RetrainFolder.of(experiment, contender)
    chosen = numbered(folder.published(folder.shortlist, "shortlist"), top, "top")
    values = numbered(points(experiment.retrain.grid), point, "point")
    seed = seed_of(experiment, GRID)
    work = Work.on(chosen, training_at(experiment, values), seed)
    outcome, _ = carry_out(experiment, folder, work, f"grid-{point}")
    numbers = {"candidate": chosen["candidate"], "top": top, "point": point}
    return folder.publish(folder.point(top, point), numbers | result_of(experiment, work, outcome))


def final(experiment: Experiment, number: int, contender: str = "") -> Found:
    """Train the chosen point with one of the seeds, and score it on test data.

    All contenders have the same seeds. The weights are kept beside what is published.

    Args:
        experiment: says how many seeds there are.
        number: of the seed.
        contender: whose chosen point, see `nas_hpc.retrain.contender`.

    Returns:
        seed_number, test_accuracy or whatever the measure of the training is (None if it diverged),
        weights (file), and what `result_of` says.

    Raises:
        RetrainError: there is no such seed, the training failed, see `carry_out`, or the child
            does not say how good it is on test data.
    """
    folder = RetrainFolder.of(experiment, contender)
    facts = _tested(experiment, folder, number, None, f"final-{number}", folder.final(number))
    return folder.publish(folder.final(number), facts)


def variant(experiment: Experiment, place: int, number: int) -> Found:
    """Train a variant of the chosen architecture as `final` trains the latter, with the same seed.

    Args:
        experiment: says which variants there are.
        place: of the variant in ``retrain.variants``.
        number: of the seed.

    Returns:
        variant (its name), and what `final` returns.

    Raises:
        RetrainError: there is no such variant or seed, it is not known of this type of
            architecture, or see `final`.
    """
    folder = RetrainFolder.of(experiment)
    name = numbered(experiment.retrain.variants, place, "variant")
    result = folder.variant(place, number)
    facts = _tested(experiment, folder, number, name, f"variant-{number}", result)
    return folder.publish(result, {"variant": name} | facts)


def seed_of(experiment: Experiment, purpose: int, *numbers: int) -> int:
    """A seed below 2**32 that follows from the experiment's and from what it is for."""
    sequence = np.random.SeedSequence(experiment.seed, spawn_key=(purpose, *numbers))
    return int(sequence.generate_state(1)[0])


def _tested(
    experiment: Experiment,
    folder: RetrainFolder,
    number: int,
    variant: str | None,
    slot: str,
    result: Path,
) -> Found:
    """Train the chosen point with a seed, score it on test data, keep its weights."""
    chosen = folder.published(folder.chosen, "choose")
    numbered(range(experiment.retrain.seeds), number, "seed")
    changes = shared(chosen, variant) if variant else {}
    training = type(experiment.training).model_validate(chosen["training"] | changes)
    seed = seed_of(experiment, FINAL, number)
    changed = None if changes else variant
    work = Work.on(chosen, training, seed, tested=True, kept=True, variant=changed)
    try:
        outcome, weights = carry_out(experiment, folder, work, slot)
    except SpaceError as error:
        raise RetrainError(f"retrain.variants: {error}") from None
    tested = on_test_data(experiment, work, outcome)
    kept = _copy(weights, folder.weights(result)) if weights.is_file() else None
    facts = {"seed_number": number, **tested, "weights": kept}
    return facts | result_of(experiment, work, outcome)


def on_test_data(experiment: Experiment, work: Work, outcome: Outcome) -> Found:
    """The measure on test data under its name; None if the training diverged.

    Raises:
        RetrainError: the child does not say it.
    """
    metric = work.training.measure.test
    tested = outcome.metrics.get(metric)
    if outcome.status == "ok" and tested is None:
        raise RetrainError(
            f"child {experiment.child.name} must return a metric {metric} "
            f"when it is given data.test"
        )
    return {metric: tested}


def result_of(experiment: Experiment, work: Work, outcome: Outcome) -> Found:
    """What one training has given: trial, training, seed, status, reason, reward, seconds, ...

    ``trial`` is None of a cell that no search has found. ``validation_accuracy``, or whatever the
    measure of the training is, is that of the finished network if the child says it, see `Measure`,
    and else the one that the reward comes from; ``epochs`` has the metrics with one number for each
    epoch. What the child does not say is None.
    """
    measure = work.training.measure
    epochs = {name: values for name, values in outcome.metrics.items() if isinstance(values, list)}
    last = epochs.get(measure.validation, [])[-experiment.reward.last_epochs :]
    rewarded = measure.best(last) if last else None
    return {
        "trial": None if work.baseline else outcome.trial,
        "training": work.training.model_dump(mode="json"),
        "seed": outcome.seed,
        "status": outcome.status,
        "reason": outcome.reason,
        "reward": outcome.reward,
        measure.validation: outcome.metrics.get(measure.final_validation, rewarded),
        "parameters": outcome.metrics.get("parameters"),
        **{key: outcome.metrics[key] for key in ("hidden",) if key in outcome.metrics},
        "epochs": epochs,
        "seconds": outcome.seconds,
        "device": outcome.device,
        "versions": outcome.versions,
    }


def numbered(things: Any, number: int, what: str) -> Any:
    """The thing with this number, of those that are counted from 0.

    Raises:
        RetrainError: there is none; names what it is, and the allowed numbers.
    """
    if number not in range(len(things)):
        allowed = f"0 to {len(things) - 1}" if things else "none"
        raise RetrainError(f"{what} {number} does not exist; allowed: {allowed}")
    return things[number]


def _copy(source: Path, target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def copy(temporary: Path) -> None:
        shutil.copyfile(source, temporary)

    write_durably(target, copy)
    return str(target)
