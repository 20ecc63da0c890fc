"""How many files an experiment leaves under its run folder, and how many bytes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nas_hpc.experiment import Experiment
from nas_hpc.plan.demand import Places, most_in_flight
from nas_hpc.policies import is_replicated
from nas_hpc.policies.theta import Layout
from nas_hpc.report.arms import strategies
from nas_hpc.retrain import contenders, points
from nas_hpc.search.configuration import of_strategy
from nas_hpc.spaces import canonical, describe, digest, draw, load_space
from nas_hpc.store import Outcome, Record, RunFolder, Sample, write_records
from nas_hpc.store.checkpoints import KEPT
from nas_hpc.store.writer import MERGE_AFTER

DRAWN = 200
"""Architectures that are drawn to see how much of the store a trial takes."""

OF_A_SEARCH = 5
"""Files that a search has once: its configuration, fingerprints, session, link, stop request."""

OF_A_TRIAL = 5
"""Files of a trial in flight, at most: claim, attempt marker, log, epoch checkpoint, outcome."""

OF_A_SLOT = 8
"""Files of a living slot, at most: what it says of itself, and what submitting it left."""


ENDED = Outcome(0, "ok", 0.5, slot="s" * 20, host="h" * 20, device="d" * 12, versions="v" * 50)
"""Text as long as it usually is."""


@dataclass(frozen=True)
class Footprint:
    """Files and bytes.

    Attributes:
        files, bytes: once the experiment has ended well.
        most_files, most_bytes: at any moment.
    """

    files: int
    bytes: int
    most_files: int
    most_bytes: int


def footprint(
    experiment: Experiment, places: Places, trial_bytes: float, parameters: int | None
) -> Footprint:
    """Of all strategies and the final stage.

    Args:
        experiment: the configuration.
        places: where its children train.
        trial_bytes: that one trial takes in the store, see `bytes_of_a_trial`.
        parameters: of a large network; None: what weights take is left out.
    """
    weights = 4 * (parameters or 0)
    data = [path for path in RunFolder.of(experiment).data.glob("*") if path.is_file()]
    asked = experiment.retrain
    contending = contenders(experiment).values()
    candidates = sum(contender.candidates for contender in contending)
    grid = sum(contender.top for contender in contending) * len(points(asked.grid))
    tested = asked.seeds * (len(contending) + len(asked.variants))
    elsewhere = asked.seeds * len(contending) * len(asked.transfer)
    published = candidates + grid + tested + elsewhere
    trainings = candidates * asked.rescore_seeds + grid + tested + elsewhere
    lists = sum(3 if contender.candidates else 2 for contender in contending)
    # Data, markers, lists of the final stage; of each job its result and log; of each training
    # outcome and lock; the final weights, in the work and published.
    names = [of_strategy(experiment, strategy) for strategy in strategies(experiment)]
    files = 3 + 1 + lists + 2 * published + 2 * trainings + 2 * tested + 2 * len(names)
    size = sum(path.stat().st_size for path in data) + 2 * tested * weights
    most_files, most_bytes = 0, 0.0
    for one in names:
        replicated, stored = is_replicated(one.search.strategy), one.budget.trials * trial_bytes
        files += OF_A_SEARCH + 1 + KEPT
        size += round(stored + KEPT * (_checkpoint_bytes(one) if replicated else 0))
        in_flight = most_in_flight(one)
        running = min(places.children, in_flight)
        living = MERGE_AFTER + in_flight + (OF_A_TRIAL - 1) * running + OF_A_SLOT * running
        most_files += living
        # A merge writes all anew before it deletes; an epoch checkpoint has weights and velocity.
        most_bytes += stored + 2 * weights * running
    return Footprint(files, size, files + most_files, size + round(most_bytes))


def bytes_of_a_trial(experiment: Experiment) -> float:
    """By writing two files of drawn architectures and made-up outcomes, one twice as long."""
    rng, space = np.random.default_rng(0), load_space(experiment)
    numbers = np.linspace(0, experiment.budget.trials - 1, DRAWN).astype(int).tolist()
    records: list[list[Record]] = []
    for number in rng.permutation(numbers).tolist():
        arguments = experiment.arguments(number)
        walk = draw(space, arguments, rng)
        text = canonical(describe(walk.architecture))
        sample = Sample(
            number, number, 0, 0, 0, 1, arguments, walk.tokens, 0.5, 0.5, digest(text), text, 1.7e9
        )
        epochs = rng.random((3, experiment.training.epochs)).tolist()
        metrics = dict(zip(("training_loss", "validation_loss", "accuracy"), epochs, strict=True))
        records.append([sample, replace(ENDED, trial=number, metrics=metrics)])
    with tempfile.TemporaryDirectory(prefix="nas-plan-") as place:
        sizes = []
        for count in (DRAWN // 2, DRAWN):
            path = Path(place) / f"{count}.h5"
            write_records(path, [record for pair in records[:count] for record in pair])
            sizes.append(path.stat().st_size)
    return (sizes[1] - sizes[0]) / (DRAWN - DRAWN // 2)


def _checkpoint_bytes(experiment: Experiment) -> int:
    """θ, two moments and an accumulated gradient, 8 bytes a number."""
    controller = experiment.controller
    layout = Layout(load_space(experiment).kinds, controller.hidden, controller.layers)
    return 4 * 8 * layout.size
