"""The points of the grid of the final training, and their numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

from nas_hpc.experiment import Training
from nas_hpc.experiment.final import Grid


def points(grid: Grid) -> list[dict[str, Any]]:
    """All combinations of the grid's values; a point's number is its place in this list.

    The order is that of nested loops over ``learning_rate``, ``weight_decay``,
    ``batch_norm_epsilon`` and ``decay_at``: the last one varies fastest.

    Example:
        >>> points(Grid(learning_rate=(0.1, 0.05), weight_decay=(1e-4,)))[1]["batch_norm_epsilon"]
        0.001
    """
    values = dict(grid)
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


def training_at(training: Training, point: dict[str, Any], epochs: int) -> Training:
    """The training of the search, with a point's values in it and its own number of epochs."""
    return training.model_copy(update=point | {"epochs": epochs})
