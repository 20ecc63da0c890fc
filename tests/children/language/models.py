"""Small language models, texts of random tokens, and trials, for tests."""

from pathlib import Path

import numpy as np
import torch

from nas_hpc.children import Text, Trial
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.experiment.model import Reward
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces.recurrent_cell import BASELINES

WORDS = 12
DROPPING = {"embedding_dropout": 0.1, "dropout": 0.2, "recurrent_dropout": 0.1}
SHORT = LanguageTraining(
    parameters=None, hidden=16, epochs=4, batch_size=4, steps=10, decay_after=2, **DROPPING
)
PLAIN = SHORT.model_copy(update=dict.fromkeys(DROPPING, 0.0))
LIVELY = SHORT.model_copy(update={"initial_range": 1.5, "learning_rate": 0.1})
"""Weights so large that what was read long ago matters."""


def tokens(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(WORDS, size=count, dtype=np.int32)


def fresh(
    training: LanguageTraining = SHORT, name: str = "nascell", seed: int = 1
) -> LanguageModel:
    torch.manual_seed(seed)
    return LanguageModel(BASELINES[name], WORDS, 16, training)


def make_trial(folder: Path, **changes) -> Trial:
    return Trial(0, 5, "cpu", folder, {}, Reward(last_epochs=2, scale=80.0), **changes)


def make_text(with_test: bool = True) -> Text:
    words = tuple("abcdefghijkl")
    test = tokens(70, 2) if with_test else None
    return Text(tokens(400), tokens(90, 1), test, words)
