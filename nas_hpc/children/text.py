"""What a text data set is: tokens in three parts, as numbers, and the vocabulary they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from nas_hpc.children.dataset import Arrays, Data, DataError
from nas_hpc.experiment.training import LanguageTraining

Tokens = npt.NDArray[np.int32]
"""Numbers of words, in the order of the text [n]."""


@dataclass(frozen=True, eq=False)
class Text(Data):
    """A text in three parts, for language models.

    Attributes:
        train, validation, test: see `nas_hpc.children.dataset.Data`; int32 [n], n at least 2: every
            token but the first of a part is there to be predicted.
        vocabulary: the words, or characters, that the numbers stand for.

    Raises:
        DataError: a part is no such array or has a number that stands for no word, or the
            vocabulary is none.
    """

    SEARCH = ("train", "validation", "vocabulary")
    TEST = ("tokens",)

    train: Tokens
    validation: Tokens
    test: Tokens | None
    vocabulary: tuple[str, ...]

    def __post_init__(self) -> None:
        words = self.vocabulary
        if not isinstance(words, tuple) or not all(isinstance(word, str) for word in words):
            raise DataError(f"vocabulary must be a tuple of strings, not {type(words).__name__}")
        if broken := [word for word in words if "\n" in word]:
            raise DataError(f"vocabulary has a word with a line break in it: {broken[0]!r}")
        if len(set(words)) < len(words):
            twice = next(word for i, word in enumerate(words) if word in words[:i])
            raise DataError(f"vocabulary has the word {twice!r} more than once")
        for name in ("train", "validation", "test"):
            tokens = getattr(self, name)
            if tokens is not None:
                _check(name, tokens, len(words))

    def search_arrays(self) -> Arrays:
        words = "\n".join(self.vocabulary).encode()
        return {
            "train": self.train,
            "validation": self.validation,
            "vocabulary": np.frombuffer(words, np.uint8),
        }

    def test_arrays(self) -> Arrays:
        assert self.test is not None
        return {"tokens": self.test}

    @classmethod
    def of_search(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        words = arrays["vocabulary"].tobytes().decode().split("\n")
        return cls(arrays["train"], arrays["validation"], None, tuple(words))

    @staticmethod
    def of_test(arrays: Mapping[str, npt.NDArray[Any]]) -> Tokens:
        return arrays["tokens"]

    def about(self) -> dict[str, Any]:
        parts = ("train", "validation", "test")
        sizes = {part: list(getattr(self, part).shape) for part in parts}
        return {"vocabulary": len(self.vocabulary)} | sizes

    def beginning(self, batches: int, training: LanguageTraining) -> Self:
        some = slice(batches * training.batch_size * training.steps + 1)
        return replace(self, train=self.train[some], validation=self.validation[some], test=None)

    def steps(self, training: LanguageTraining) -> int:
        return ceil((len(self.train) - 1) / (training.batch_size * training.steps))


def _check(name: str, tokens: Tokens, words: int) -> None:
    if not isinstance(tokens, np.ndarray) or tokens.dtype != np.int32:
        kind = getattr(tokens, "dtype", type(tokens).__name__)
        raise DataError(f"{name} must be a numpy array of int32, not {kind}")
    if tokens.ndim != 1 or len(tokens) < 2:
        raise DataError(f"{name} must be [n] with at least 2 tokens, not {list(tokens.shape)}")
    if tokens.min() < 0 or tokens.max() >= words:
        raise DataError(
            f"{name} must lie in 0 ... {words - 1}, not {tokens.min()} ... {tokens.max()}"
        )
