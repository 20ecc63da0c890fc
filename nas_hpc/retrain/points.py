"""The points of the grid of the final training, and their numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

from nas_hpc.experiment import AnyTraining, Experiment
from nas_hpc.experiment.final import AnyGrid


def points(grid: AnyGrid) -> list[dict[str, Any]]:
    """All combinations of the grid's values; a point's number is its place in this list.

    The order is that of nested loops over the grid's keys: the last one varies fastest.

    Example:
        >>> points(Grid(learning_rate=(0.1, 0.05), weight_decay=(1e-4,)))[1]["batch_norm_epsilon"]
        0.001
    """
    values = grid.model_dump()
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


def training_at(experiment: Experiment, point: dict[str, Any]) -> AnyTraining:
    """The training of the search, with a point's values and the final size and epochs in it."""
    asked = experiment.retrain
    changes = point | {"epochs": asked.epochs}
    if asked.parameters is not None:
        changes |= {"parameters": asked.parameters, "hidden": None}
    return experiment.training.model_copy(update=changes)
