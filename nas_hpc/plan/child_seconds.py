"""How long one child trains in the search: given, recorded, or measured now."""

from __future__ import annotations

import socket
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_hpc.experiment import AnyTraining, Experiment, ExperimentError
from nas_hpc.report.arms import Arm
from nas_hpc.spaces import Tokens, draw, load_space
from nas_hpc.store import Outcome, RunFolder

if TYPE_CHECKING:
    from nas_hpc.children import Data

DRAWN = 3
"""Architectures that are trained to measure; those of a growing space at its start and its end."""

FEW, MORE = 4, 12
"""Steps of training; what the latter take longer tells what a whole epoch takes."""

PATIENCE = 30.0
"""Seconds of an epoch from which on it is not waited for but estimated."""

ENOUGH = 3
"""Trained networks that must be recorded before their times are gone by."""


@dataclass(frozen=True)
class ChildSeconds:
    """How long one child trains, by the number of its sample.

    Attributes:
        points: (number of a sample, seconds of its child); linear between them, constant beyond.
        source: where they are from, for people.
        device: that trained; empty if it is not known.
        parameters: of the largest network among them; None if it is not known.
    """

    points: tuple[tuple[float, float], ...]
    source: str
    device: str = ""
    parameters: int | None = None

    def at(self, sample: float) -> float:
        """Of one sample."""
        return float(self._over(np.array([sample]))[0])

    def mean(self, samples: int) -> float:
        """Over the first so many samples."""
        return float(self._over(np.arange(samples)).mean())

    def _over(self, samples: np.ndarray) -> np.ndarray:
        known, seconds = np.array(self.points, dtype=float).T
        return np.interp(samples, known, seconds)


def given(seconds: float) -> ChildSeconds:
    """As the user says."""
    return ChildSeconds(((0, seconds),), "as given")


def recorded(arms: Sequence[Arm]) -> ChildSeconds | None:
    """Medians of what this experiment's searches have recorded; None of too few trials.

    Where the space grows, one median for each of its arguments, as far as it has come.
    """
    samples = {(arm.strategy, s.number): s for arm in arms for s in arm.log.samples}
    groups: defaultdict[str, list[tuple[int, Outcome]]] = defaultdict(list)
    trained = [(arm, o) for arm in arms for o in arm.log.outcomes if o.status == "ok"]
    for arm, outcome in trained:
        arguments = samples[arm.strategy, outcome.trial].arguments
        key = repr(sorted(arguments.items())) if arm.experiment.space.schedule else ""
        groups[key].append((outcome.trial, outcome))
    if len(trained) < ENOUGH:
        return None
    points = [
        (median(trial for trial, _ in group), median(o.seconds for _, o in group))
        for group in groups.values()
    ]
    text = f"median of {len(trained)} recorded trials"
    if len(points) > 1:
        text = f"medians of {len(trained)} recorded trials, one for each size of the space so far"
    devices = sorted({outcome.device for _, outcome in trained})
    sizes = [outcome.metrics.get("parameters") for _, outcome in trained]
    largest = max((int(size) for size in sizes if size is not None), default=None)
    source = f"{text}, on {', '.join(devices)}"
    return ChildSeconds(tuple(sorted(points)), source, devices[0], largest)


@dataclass(frozen=True)
class _Drawn:
    trial: int
    arguments: Mapping[str, Any]
    tokens: Tokens


def measured(experiment: Experiment) -> ChildSeconds:
    """Train a few drawn architectures for one epoch each, in this process.

    The time of one epoch, set-up included, is taken times ``training.epochs``. Where an epoch is
    long, it is estimated from its first steps, which are scored on as much validation data: rather
    more than it really takes.

    Raises:
        ExperimentError, OwnCodeError, DataError: nothing can be trained; says what and why.
    """
    from nas_hpc.children import load_search, prepare, prepared
    from nas_hpc.children.evaluation import evaluate
    from nas_hpc.search.rehearsal import rehearse

    ends = [0, experiment.budget.trials - 1] if experiment.space.schedule else [0]
    space, rng = load_space(experiment), np.random.default_rng(experiment.seed)
    training = experiment.training.model_copy(update={"epochs": 1})
    short = experiment.model_copy(update={"training": training})
    points: list[tuple[float, float]] = []
    outcomes: list[Outcome] = []
    each: list[float] = []
    with tempfile.TemporaryDirectory(prefix="nas-plan-") as place:
        data = RunFolder.of(experiment).data
        if prepared(experiment, data) is None:
            data = Path(place) / "data"
            prepare(experiment, data)
        rehearse(experiment, data)  # the first training also pays for what is loaded only once
        everything = load_search(data)

        def train(arguments: Mapping[str, Any], tokens: Tokens, some: Data) -> float:
            spec = _Drawn(len(outcomes), arguments, tokens)
            outcome = evaluate(short, RunFolder(Path(place)), spec, data=some)
            if outcome.status not in ("ok", "diverged"):
                raise ExperimentError(f"a drawn architecture ended: {outcome.reason}")
            outcomes.append(outcome)
            return outcome.seconds

        for sample in ends:
            arguments = experiment.arguments(sample)
            seconds = [
                seconds_of_an_epoch(partial(train, arguments, walk.tokens), everything, training)
                for walk in (draw(space, arguments, rng) for _ in range(DRAWN))
            ]
            each += seconds
            points.append((sample, experiment.training.epochs * median(seconds)))
    where = f"on {outcomes[0].device} of {socket.gethostname()}"
    epochs = experiment.training.epochs
    source = (
        f"measured now {where}: {len(each)} drawn architectures take {min(each):.2f} to "
        f"{max(each):.2f} s for one epoch; times {epochs} epochs"
    )
    sizes = [int(outcome.metrics.get("parameters", 0)) for outcome in outcomes]
    return ChildSeconds(tuple(points), source, outcomes[0].device, max(sizes) or None)


def seconds_of_an_epoch(train: Callable[[Data], float], data: Data, training: AnyTraining) -> float:
    """How long an epoch takes; ``train`` trains one on the data, and says how long that took."""
    steps = data.steps(training)
    few = train(data.beginning(FEW, training))
    if few * steps / FEW < PATIENCE or steps <= MORE:
        return train(data)
    more = train(data.beginning(MORE, training))
    return few + max(0.0, more - few) * (steps - FEW) / (MORE - FEW)
