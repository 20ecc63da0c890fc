"""Epochs of a training, one after another, and on from the last one saved after an interruption.

All random numbers of an epoch follow from the seed and the epoch's number alone, so that a training
that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from nas_hpc.children.contract import Diverged
from nas_hpc.children.progress import Progress

History = dict[str, list[float]]
"""Metrics by name: one number for each epoch."""


class Trained(Protocol):
    """What epochs change."""

    def epoch(self, number: int) -> dict[str, float]:
        """Train for one epoch, numbered from 0; the metrics after it."""

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, as `Progress.save` takes it."""

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""


def run_epochs(
    trained: Trained,
    count: int,
    seed: int,
    device: torch.device,
    progress: Progress | None = None,
    report: Callable[..., None] = lambda epoch, **metrics: None,
) -> History:
    """Train for so many epochs, counting those of earlier attempts.

    Args:
        trained: in its first state.
        count: epochs.
        seed: of all random numbers from here on.
        device: where the training is.
        progress: where to go on from, and to save to between epochs.
        report: called after each epoch with its number from 1 and its metrics.

    Raises:
        Diverged: a metric is not finite.
    """
    history: History = {}
    saved = progress.load(str(device)) if progress else None
    if saved:
        history = saved.pop("history")
        trained.load(saved)
    for epoch in range(max(map(len, history.values()), default=0), count):
        torch.manual_seed(_seed(seed, epoch))
        metrics = trained.epoch(epoch)
        for name, value in metrics.items():
            history.setdefault(name, []).append(value)
        report(epoch + 1, **metrics)
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise Diverged(f"{name.replace('_', ' ')} {value} in epoch {epoch + 1}")
        if progress and progress.due():
            progress.save(trained.state() | {"history": history})
    return history


def _seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(epoch,)).generate_state(1)[0])
