"""The built-in child that is a language model, trained as in the paper's section 4.2."""

from __future__ import annotations

import math
from functools import lru_cache

from nas_hpc.children.contract import Score, Trial
from nas_hpc.children.dataset import Data
from nas_hpc.children.language.batches import Streams
from nas_hpc.children.language.model import Cell, LanguageModel, hidden_size
from nas_hpc.children.language.training import check, score, train
from nas_hpc.children.network import parameters
from nas_hpc.children.progress import Progress, save_durably
from nas_hpc.children.text import Text
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces import describe, digest


def language_model(
    architecture: object, data: Data, training: LanguageTraining, trial: Trial
) -> Score:
    """Build a language model of the cell, train it, and reward its validation perplexity.

    Metrics: ``parameters`` and ``hidden``, the size of its layers; ``training_perplexity`` and
    ``validation_perplexity`` for each epoch; if the data has a test part, also
    ``final_validation_perplexity`` and ``test_perplexity`` of the finished model. These two read
    their text as one stream. After an epoch the validation text is scored as
    ``training.batch_size`` streams side by side, which is much faster and nearly the same.

    Raises:
        Diverged: a loss is not finite, or has exploded, those of the finished model too.
        TypeError: the architecture is no recurrent cell, or the data is no text.
        ValueError: the parameters asked for are too few for any model.
    """
    if not isinstance(architecture, Cell):
        kind = type(architecture).__name__
        raise TypeError(f"a language model is made of a recurrent cell, not of a {kind}")
    if not isinstance(data, Text):
        raise TypeError(f"a language model needs a Text, not a {type(data).__name__}")
    words = len(data.vocabulary)
    hidden = hidden_size(architecture, words, training)
    model = LanguageModel(architecture, words, hidden, training).to(trial.device)
    work = [describe(architecture), training.model_dump(), trial.seed]
    progress = Progress(trial.folder / "progress.pt", digest(work))
    history = train(
        model,
        _resident(data, "train", training.batch_size, trial.device),
        _resident(data, "validation", training.batch_size, trial.device),
        training,
        trial.seed,
        progress,
        trial.report,
    )
    metrics: dict[str, float | list[float]] = {
        "parameters": parameters(model),
        "hidden": hidden,
        **history,
    }
    if trial.weights is not None:
        save_durably(model.state_dict(), trial.weights)
    if data.test is not None:
        for name, text in (("final_validation", data.validation), ("test", data.test)):
            loss = score(model, Streams(text, 1, trial.device))
            check(model, loss, f"{name.replace('_', ' ')} loss")
            metrics[f"{name}_perplexity"] = math.exp(loss)
    reward = trial.reward_of_perplexities(history["validation_perplexity"])
    return Score(reward, metrics, progress.earlier_seconds)


@lru_cache(maxsize=2)
def _resident(data: Text, part: str, streams: int, device: str) -> Streams:
    """The part on the device, kept there for the next trial."""
    return Streams(getattr(data, part), streams, device)
