"""The final training, after the search: what is tried, how long, and what is tested beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from nas_hpc.experiment.strict import Fraction, Positive, Rate, Strict
from nas_hpc.experiment.training import CLASSIFIER, LANGUAGE_MODEL, kind_of

Variant = Literal[
    "more-filters", "no-skips", "dense", "shared-embeddings", "large-shared-embeddings"
]
VARIANTS = {
    CLASSIFIER: ("more-filters", "no-skips", "dense"),
    LANGUAGE_MODEL: ("shared-embeddings", "large-shared-embeddings"),
}
"""By the kind of training."""

BASELINES = ("lstm", "gru", "nascell")
"""Recurrent cells that no search has to find."""


class Grid(Strict):
    """Values of a classifier's ``training`` that the final training tries, in all combinations."""

    learning_rate: tuple[Rate | None, ...] = (0.1, 0.05)
    """Values of ``training.learning_rate``."""

    weight_decay: tuple[Annotated[float, Field(ge=0)], ...] = (1e-4, 5e-4)
    """Values of ``training.weight_decay``."""

    batch_norm_epsilon: tuple[Rate, ...] = (1e-5, 1e-3)
    """Values of ``training.batch_norm_epsilon``."""

    decay_at: tuple[tuple[Annotated[float, Field(gt=0, lt=1)], ...], ...] = ((0.5, 0.75),)
    """Values of ``training.decay_at``, each a list of its own."""

    kind: Literal["classifier"] = Field(default="classifier", exclude=True)
    """That of ``training``."""


class LanguageGrid(Strict):
    """The same for a language model's ``training``."""

    learning_rate: tuple[Rate | None, ...] = (1.0, 0.7)
    """Values of ``training.learning_rate``."""

    initial_range: tuple[Rate, ...] = (0.05, 0.04)
    """Values of ``training.initial_range``."""

    embedding_dropout: tuple[Fraction, ...] = (0.2,)
    """Values of ``training.embedding_dropout``."""

    dropout: tuple[Fraction, ...] = (0.5, 0.65)
    """Values of ``training.dropout``."""

    recurrent_dropout: tuple[Fraction, ...] = (0.2,)
    """Values of ``training.recurrent_dropout``."""

    decay_after: tuple[Positive, ...] = (6, 14)
    """Values of ``training.decay_after``."""

    kind: Literal["language-model"] = Field(default="language-model", exclude=True)
    """That of ``training``."""


AnyGrid = Annotated[
    Annotated[Grid, Tag(CLASSIFIER)] | Annotated[LanguageGrid, Tag(LANGUAGE_MODEL)],
    Discriminator(kind_of),
]


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

    grid: AnyGrid = Grid()
    """What is tried; compared on validation data."""

    seeds: Annotated[int, Field(ge=3)] = 3
    """Trainings of the one chosen point; only these are scored on test data."""

    beside: tuple[str, ...] = ()
    """What goes through the same final training beside what was found: strategies of
    ``compare_with``, each with the best of its own trials; for language models also ``lstm``,
    ``gru`` and ``nascell``."""

    parameters: Positive | None = None
    """Takes the place of ``training.parameters`` in the grid and the final training of a language
    model. null: as in the search."""

    variants: tuple[Variant, ...] = ()
    """Changes to what was chosen that are trained and tested as it is, beside it. Of a classifier:
    ``more-filters``: 40 more in every layer; ``no-skips``: each layer is fed by the one before it
    alone; ``dense``: by all before it. Of a language model: ``shared-embeddings``: the same hidden
    size, the last layer's weights those of the embeddings; ``large-shared-embeddings``: 54 / 32 of
    the parameters, as in the paper."""

    transfer: tuple[str, ...] = ()
    """Experiments with other language models (names, or paths of YAML files) in which what was
    chosen, and what stands beside it, is trained as their ``training`` says, with as many seeds,
    and tested (paper, section 4.2)."""

    @model_validator(mode="after")
    def _no_name_comes_twice(self) -> Retrain:
        for key in ("variants", "beside", "transfer"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"{key} must differ from each other, not be {[*names]}")
        return self

    @model_validator(mode="after")
    def _top_of_candidates(self) -> Retrain:
        if self.top > self.candidates:
            raise ValueError(f"top must be at most candidates ({self.candidates})")
        return self

    @model_validator(mode="after")
    def _keys_are_of_the_kind(self) -> Retrain:
        allowed = VARIANTS[self.grid.kind]
        for variant in self.variants:
            if variant not in allowed:
                raise ValueError(
                    f"variants: {variant!r} is not known of a {self.grid.kind}: allowed: "
                    f"{', '.join(allowed)}"
                )
        for key in ("parameters", "transfer"):
            if getattr(self, key) and self.grid.kind != LANGUAGE_MODEL:
                raise ValueError(f"{key} is a key of language models")
        return self
