"""The final training, after the search: what is tried, how long, and what is tested beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nas_hpc.experiment.strict import Positive, Rate, Strict

Variant = Literal["more-filters", "no-skips", "dense"]


class Grid(Strict):
    """Values of ``training`` that the final training tries, in all combinations."""

    learning_rate: tuple[Rate | None, ...] = (0.1, 0.05)
    """Values of ``training.learning_rate``."""

    weight_decay: tuple[Annotated[float, Field(ge=0)], ...] = (1e-4, 5e-4)
    """Values of ``training.weight_decay``."""

    batch_norm_epsilon: tuple[Rate, ...] = (1e-5, 1e-3)
    """Values of ``training.batch_norm_epsilon``."""

    decay_at: tuple[tuple[Annotated[float, Field(gt=0, lt=1)], ...], ...] = ((0.5, 0.75),)
    """Values of ``training.decay_at``, each a list of its own."""


class Retrain(Strict):
    """Final training of the best architectures (paper, section 4.1)."""

    candidates: Positive = 10
    """Best trials of the search that are scored again with new seeds."""

    rescore_seeds: Positive = 3
    """New seeds for each of them."""

    top: Positive = 1
    """How many of them, by mean score, go through the grid."""

    epochs: Positive = 300
    """Epochs of the final training."""

    arguments: dict[str, Any] = {}
    """Take the place of some of ``space.arguments`` in the grid and the final training, so that the
    decisions of a small network make a larger one: cells stacked more often, with more filters."""

    grid: Grid = Grid()
    """What is tried; compared on validation data."""

    seeds: Annotated[int, Field(ge=3)] = 3
    """Trainings of the one chosen point; only these are scored on test data."""

    variants: tuple[Variant, ...] = ()
    """Changes to the chosen architecture that are trained and tested as it is, beside it:
    ``more-filters``: 40 more in every layer; ``no-skips``: each layer is fed by the one before it
    alone; ``dense``: by all before it."""

    @model_validator(mode="after")
    def _variants_differ(self) -> Retrain:
        if len(set(self.variants)) < len(self.variants):
            raise ValueError(f"variants must differ from each other, not be {[*self.variants]}")
        return self

    @model_validator(mode="after")
    def _top_of_candidates(self) -> Retrain:
        if self.top > self.candidates:
            raise ValueError(f"top must be at most candidates ({self.candidates})")
        return self
