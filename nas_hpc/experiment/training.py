"""How children are trained: image classifiers and language models (paper, sections 4.1 and 4.2)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from nas_hpc.experiment.measure import ACCURACY, PERPLEXITY, Measure
from nas_hpc.experiment.strict import Fraction, Positive, Rate, Strict

CLASSIFIER, LANGUAGE_MODEL = "classifier", "language-model"
KINDS = (CLASSIFIER, LANGUAGE_MODEL)
"""Values of ``training.kind``; also the built-in children that are trained so."""


def kind_of(value: Any) -> str:
    """The kind of training or grid that is meant, before or after it is validated."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return CLASSIFIER if kind is None else str(kind)


class Training(Strict):
    """How an image classifier is trained (paper, section 4.1)."""

    measure: ClassVar[Measure] = ACCURACY

    epochs: Positive = 50
    """Passes over the training data."""

    batch_size: Positive = 64
    """Examples in a step."""

    learning_rate: Rate | None = 0.1
    """Of SGD, at the start. null: the one that was chosen among ``space.learning_rates``."""

    momentum: Fraction = 0.9
    """Of SGD, Nesterov's."""

    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """L2 penalty of all weights."""

    batch_norm_epsilon: Rate = 1e-5
    """Added to the variance in batch normalisation."""

    decay_at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5, 0.75)
    """Fractions of the epochs after which the learning rate is multiplied by ``decay_factor``."""

    decay_factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """See ``decay_at``."""

    augmentation: Literal["none", "shift", "shift-flip", "upsample", "upsample-flip"] = (
        "upsample-flip"
    )
    """``upsample``: enlarged by interpolation, then a random crop of the old size; what is scored
    is the crop in the centre. ``shift``: a random crop of the image among zeros. ``-flip``: half of
    them are also mirrored left to right."""

    augmentation_margin: Annotated[float, Field(gt=0, le=0.5)] = 0.125
    """By how much the image is enlarged at each side, of that side, rounded up to whole pixels: 32
    pixels become 40."""

    kind: Literal["classifier"] = Field(default="classifier", exclude=True)
    """Follows from ``child.name`` if that is built in."""


class LanguageTraining(Strict):
    """A language model, and how it is trained (paper, section 4.2).

    Where the paper is silent, the values are those of the baseline that it names, the "medium"
    model of Zaremba et al. 2014 (arXiv 1409.2329), with dropout as in Gal 2015 (arXiv 1512.05287);
    its rates of 0.2 and 0.5 are those that the paper names of characters.
    """

    measure: ClassVar[Measure] = PERPLEXITY

    epochs: Positive = 35
    """Passes over the training text."""

    layers: Positive = 2
    """Recurrent layers, of the same cell."""

    parameters: Positive | None = 20_000_000
    """The hidden size is the one with which the model comes closest to so many parameters."""

    hidden: Positive | None = None
    """The hidden size itself; then ``parameters`` must be null, and ``retrain.parameters`` be given
    where ``retrain.beside`` names cells that no search has to find."""

    embedding: Positive | None = None
    """Width of the embeddings. null: the hidden size."""

    shared_embeddings: bool = False
    """The last layer's weights are those of the embeddings."""

    optimiser: Literal["sgd", "adam"] = "sgd"
    """``sgd`` has no momentum."""

    batch_size: Positive = 20
    """Streams into which the training text is cut, read side by side."""

    steps: Positive = 35
    """Tokens through which gradients go back; the state is carried on from there."""

    learning_rate: Rate | None = 1.0
    """At the start. null: the one that was chosen among ``space.learning_rates``."""

    decay_after: Positive = 6
    """Epochs after which the learning rate is multiplied by ``decay_factor``, once for each."""

    decay_factor: Annotated[float, Field(gt=0, le=1)] = 1 / 1.2
    """See ``decay_after``. Zaremba et al. divide by 1.2."""

    gradient_bound: Rate = 5.0
    """Longer gradients are scaled to this norm, in L2 over all parameters. They are of a chunk's
    loss: the sum over its steps of the mean over its streams."""

    initial_range: Rate = 0.05
    """Every weight starts uniform in [-initial_range, initial_range]."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """L2 penalty of all weights."""

    embedding_dropout: Fraction = 0.2
    """Probability that a token of the vocabulary is dropped, wherever it stands in a chunk."""

    dropout: Fraction = 0.5
    """Of what goes into each layer and into the last one: one mask for all steps of a chunk."""

    recurrent_dropout: Fraction = 0.2
    """Of the hidden state on its way to the next step: one mask for all steps of a chunk."""

    kind: Literal["language-model"] = "language-model"
    """Follows from ``child.name`` if that is built in."""

    @model_validator(mode="after")
    def _one_size(self) -> LanguageTraining:
        if (self.parameters is None) == (self.hidden is None):
            raise ValueError("give either parameters or hidden, and set the other to null")
        if self.shared_embeddings and self.embedding is not None:
            raise ValueError("shared_embeddings need embeddings as wide as the hidden state")
        return self


AnyTraining = Annotated[
    Annotated[Training, Tag(CLASSIFIER)] | Annotated[LanguageTraining, Tag(LANGUAGE_MODEL)],
    Discriminator(kind_of),
]
