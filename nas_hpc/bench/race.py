"""A child and the plain loop train the same networks in turns, against the clock."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import Any, cast

import numpy as np
import torch

from nas_hpc.bench.plain import train_plainly
from nas_hpc.children.classifier import classifier
from nas_hpc.children.contract import Diverged, Trial
from nas_hpc.children.dataset import Dataset, Split
from nas_hpc.children.evaluation import trial_seed, tuned
from nas_hpc.children.network import build
from nas_hpc.children.parts import balanced_order
from nas_hpc.experiment import Experiment, ExperimentError, Training
from nas_hpc.experiment.model import Reward
from nas_hpc.spaces import draw, load_space

WARM_UP = 2
"""Batches on which each arm is tried first, which also pays for what is loaded only once."""


@dataclass(frozen=True)
class Subject:
    """A drawn architecture.

    Attributes:
        sample: number of the sample of which it has the size.
        architecture: what to build.
        training: how to train it.
    """

    sample: int
    architecture: Any
    training: Training

    def network(self, data: Dataset, seed: int) -> torch.nn.Module:
        """Its network; the same seed gives the same weights."""
        torch.manual_seed(seed)
        channels, epsilon = data.train.inputs.shape[1], self.training.batch_norm_epsilon
        return build(self.architecture, channels, data.classes, epsilon)


@dataclass(frozen=True)
class Lap:
    """One training.

    Attributes:
        subject: index of the architecture.
        round: from 0.
        arm: ``child`` or ``plain``.
        images: trained on, each as often as there were epochs.
        seconds: from the architecture to the last score: building, training, scoring every epoch.
        accuracy: on the validation images after the last epoch.
    """

    subject: int
    round: int
    arm: str
    images: int
    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Comparison:
    """What the laps of one architecture, or of several together, say.

    Attributes:
        child, plain: images per second; of several, of one training of each, by medians.
        ratio: child / plain.
        lowest, highest: ratio of two laps of one round.
        child_accuracy, plain_accuracy: means.
    """

    child: float
    plain: float
    lowest: float
    highest: float
    child_accuracy: float
    plain_accuracy: float

    @property
    def ratio(self) -> float:
        return self.child / self.plain

    @classmethod
    def of(cls, laps: Sequence[Lap]) -> Comparison:
        """Compare the medians of the arms' seconds."""
        seconds = {(lap.arm, lap.subject, lap.round): lap.seconds for lap in laps}
        ratios = [
            seconds["plain", subject, turn] / mine
            for (arm, subject, turn), mine in seconds.items()
            if arm == "child"
        ]
        rates, accuracies = {}, {}
        for arm in ("child", "plain"):
            own = [lap for lap in laps if lap.arm == arm]
            images = {lap.subject: lap.images for lap in own}
            usual = [median(lap.seconds for lap in own if lap.subject == s) for s in images]
            rates[arm] = sum(images.values()) / sum(usual)
            accuracies[arm] = fmean(lap.accuracy for lap in own)
        return cls(
            rates["child"],
            rates["plain"],
            min(ratios),
            max(ratios),
            accuracies["child"],
            accuracies["plain"],
        )


def subjects(experiment: Experiment, count: int) -> list[Subject]:
    """Uniformly drawn architectures, as large as samples from the search's first to its last.

    Raises:
        ExperimentError: the experiment has a child of its own.
    """
    if experiment.child.name != "classifier":
        raise ExperimentError(
            f"child.name = {experiment.child.name!r}: the built-in classifier alone can be compared"
        )
    space, rng = load_space(experiment), np.random.default_rng(experiment.seed)
    samples = np.linspace(0, experiment.budget.trials - 1, count).astype(int).tolist()
    drawn = [draw(space, experiment.arguments(i), rng).architecture for i in samples]
    return [
        Subject(sample, plain, cast(Training, training))
        for sample, architecture in zip(samples, drawn, strict=True)
        for plain, training in [tuned(architecture, experiment.training)]
    ]


def race(
    experiment: Experiment,
    entered: Sequence[Subject],
    data: Dataset,
    device: str,
    rounds: int,
    workers: int,
    told: Callable[[Lap], None] = lambda lap: None,
) -> list[Lap]:
    """Let both arms train every architecture once a round, one after the other.

    Who begins changes from round to round. Both start from the same weights.

    Args:
        experiment: whose seed decides all weights.
        entered: what to train.
        data: to train and score on.
        device: as torch names it.
        rounds: how many.
        workers: of the plain loop's loaders.
        told: called after each lap.

    Raises:
        ExperimentError: an architecture cannot be trained at this learning rate.
    """
    arms: Mapping[str, Callable[..., float]] = {
        "child": train_child,
        "plain": partial(train_plain, workers=workers),
    }
    for arm in arms.values():
        arm(_one_epoch(entered[0]), some(data, WARM_UP * entered[0].training.batch_size), device)
    laps: list[Lap] = []
    for turn in range(rounds):
        for i, subject in enumerate(entered):
            seed = trial_seed(experiment, turn * len(entered) + i)
            for name in ("child", "plain") if turn % 2 == 0 else ("plain", "child"):
                clock = time.perf_counter()
                accuracy = arms[name](subject, data, device, seed)
                seconds = time.perf_counter() - clock
                images = subject.training.epochs * len(data.train)
                laps.append(Lap(i, turn, name, images, seconds, accuracy))
                told(laps[-1])
    return laps


def train_child(subject: Subject, data: Dataset, device: str, seed: int = 0) -> float:
    """The validation accuracy of the built-in child.

    Raises:
        ExperimentError: it diverged.
    """
    with tempfile.TemporaryDirectory(prefix="nas-bench-") as folder:
        trial = Trial(subject.sample, seed, device, Path(folder), {}, Reward())
        torch.manual_seed(seed)
        try:
            score = classifier(subject.architecture, data, subject.training, trial)
        except Diverged as failure:
            raise ExperimentError(
                f"a drawn architecture diverged ({failure}): there is nothing to compare; "
                f"lower training.learning_rate, or change seed"
            ) from failure
    history = score.metrics["validation_accuracy"]
    assert isinstance(history, list)
    return history[-1]


def train_plain(
    subject: Subject, data: Dataset, device: str, seed: int = 0, *, workers: int
) -> float:
    """The validation accuracy of the plain loop, its network in torch's usual memory format."""
    network = subject.network(data, seed).to(memory_format=torch.contiguous_format)
    return train_plainly(network.to(device), data, subject.training, device, workers)[-1]


def some(data: Dataset, images: int) -> Dataset:
    """So many training images, or all, and validation images in proportion, classes as in all."""
    share, rng = min(1.0, images / len(data.train)), np.random.default_rng(0)

    def part(split: Split) -> Split:
        chosen = balanced_order(split.labels, rng)[: max(1, round(share * len(split)))]
        return Split(split.inputs[chosen], split.labels[chosen])

    return Dataset(part(data.train), part(data.validation), None, data.classes)


def _one_epoch(subject: Subject) -> Subject:
    return replace(subject, training=subject.training.model_copy(update={"epochs": 1}))
