"""What a child is: a function that trains one architecture and says how good it is.

The built-in ones are `nas_hpc.children.classifier.classifier` and
`nas_hpc.children.language.child.language_model`. Your own, named in ``child.name``, is any function
of the same four arguments::

    from nas_hpc.children import Diverged, Score

    def child(architecture, data, training, trial):
        accuracies = []
        for epoch in range(training.epochs):
            loss, accuracy = ...                          # on data.train and data.validation
            if not math.isfinite(loss):
                raise Diverged(f"loss {loss} in epoch {epoch + 1}")
            accuracies.append(accuracy)
            trial.report(epoch + 1, accuracy=accuracy)
        return Score(trial.to_reward(accuracies), {"validation_accuracy": accuracies})

It may return a plain number, the reward, instead of a `Score`. The random number generators of
Python, numpy and torch have been seeded with ``trial.seed`` when it is called. It is called many
times in one process, and must not carry anything from one trial to the next.

How it ends is recorded: a result is ``ok``; `Diverged`, or a reward that is not finite, is
``diverged``; running out of memory is ``out of memory``; both have the reward
``reward.failure``. Any other exception is a fault of the code, not of the architecture: ``lost``,
with its traceback in the trial's log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_hpc.experiment.model import Reward
from nas_hpc.store import done_without


class Diverged(RuntimeError):
    """The architecture cannot be trained; the message says what was seen."""


@dataclass(frozen=True)
class Score:
    """What training one architecture gave.

    Attributes:
        reward: what the strategy learns from, finite.
        metrics: numbers and lists of numbers by name, e.g. one accuracy for each epoch.
        earlier_seconds: spent by earlier attempts on epochs that this one did not repeat.
    """

    reward: float
    metrics: Mapping[str, float | list[float]] = field(default_factory=dict)
    earlier_seconds: float = 0.0


@dataclass(frozen=True)
class Trial:
    """What a child is told beside the architecture, the data and how to train.

    Attributes:
        number: of the trial.
        seed: for all its random numbers; the same for every attempt at the trial. Below 2**32.
        device: where to train, as torch names it: ``cpu``, ``cuda:0`` ...
        folder: for its own files, such as a checkpoint; shared by the attempts at the trial, made
            when first needed, deleted once the outcome is recorded.
        options: ``child.options``.
        reward: how accuracies or perplexities become a reward.
        weights: where to save the trained weights; None: they are not kept.
    """

    number: int
    seed: int
    device: str
    folder: Path
    options: Mapping[str, Any]
    reward: Reward
    weights: Path | None = None

    def report(self, epoch: int, **metrics: float) -> None:
        """Write a line about an epoch (from 1) to the trial's log."""
        self.log(" ".join([f"epoch {epoch}:", *(f"{k} {v:.6g}" for k, v in metrics.items())]))

    def log(self, text: str) -> None:
        """Write a line to the trial's log; it is left out where the disk is full."""
        with done_without(f"a line of the log of trial {self.number}"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (self.folder / "log.txt").open("a") as file:
                file.write(text.rstrip() + "\n")

    def to_reward(self, accuracies: Sequence[float]) -> float:
        """The best accuracy of the last epochs, raised to a power (paper, section 4.1)."""
        return float(max(accuracies[-self.reward.last_epochs :]) ** self.reward.power)

    def reward_of_perplexities(self, perplexities: Sequence[float]) -> float:
        """A constant by the square of the best one of the last epochs (paper, section 4.2)."""
        return float(self.reward.scale / min(perplexities[-self.reward.last_epochs :]) ** 2)
