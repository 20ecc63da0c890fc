"""From the sentences of a text to a data set: words or characters, a vocabulary, numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from nas_hpc.children.dataset import DataError
from nas_hpc.children.text import Text, Tokens

END, UNKNOWN = "<eos>", "<unk>"
"""Stands at the end of each sentence; stands for each word that is not in the vocabulary."""

LEVELS: Mapping[str, Callable[[str], list[str]]] = {
    "word": str.split,
    "character": lambda sentence: list(" ".join(sentence.split())),
}
"""How a sentence becomes tokens. Characters are those of its words, with one space between two."""

PARTS = ("train", "validation", "test")
Sizes = Mapping[str, int | None]
"""How many tokens of each part are taken, from its beginning; None: all."""


def tokens_of(sentences: Iterable[str], level: str) -> list[str]:
    """All tokens, with `END` after each sentence; those without a word are left out.

    Raises:
        DataError: there is no such level.
    """
    if level not in LEVELS:
        raise DataError(f"data.options.level = {level!r}: allowed: {', '.join(LEVELS)}")
    split = LEVELS[level]
    return [
        *chain.from_iterable((*found, END) for sentence in sentences if (found := split(sentence)))
    ]


def encode(
    parts: Mapping[str, Sequence[str]],
    sizes: Sizes,
    max_vocabulary: int | None = None,
    closed: bool = False,
) -> Text:
    """The data set of three parts' tokens.

    The vocabulary is that of the whole training text, whatever is taken of it, and of nothing else:
    its tokens from the most to the least frequent, of equals in alphabetical order. What it does
    not have becomes `UNKNOWN`, its last word if the training text has no such word.

    Args:
        parts: tokens of `PARTS`, as `tokens_of` gives them.
        sizes: how many of them are taken.
        max_vocabulary: words at most, `END` and `UNKNOWN` among them; None: no bound.
        closed: no part has anything that the training text lacks, so that nothing need stand for
            it.

    Raises:
        DataError: a part has not so many tokens, there is no room for a vocabulary, or there is
            something unknown after all.
    """
    if max_vocabulary is not None and max_vocabulary < 3:
        raise DataError(f"data.options.max_vocabulary = {max_vocabulary}: must be at least 3")
    counts = Counter(parts["train"])
    words = sorted(counts, key=lambda word: (-counts[word], word))
    more = UNKNOWN not in counts and not closed
    if max_vocabulary is not None and len(words) + more > max_vocabulary:
        counts[UNKNOWN] = len(parts["train"])  # is kept, however many others there are
        words = sorted(counts, key=lambda word: (-counts[word], word))[:max_vocabulary]
        if END not in words:
            words[-1] = END
    if UNKNOWN not in words:
        if not closed:
            words.append(UNKNOWN)
        elif unknown := set().union(*(parts[part] for part in PARTS)).difference(words):
            raise DataError(f"the training text lacks what other parts have: {sorted(unknown)[:5]}")
    numbers = {word: number for number, word in enumerate(words)}
    train, validation, test = (_numbered(part, parts[part], numbers, sizes[part]) for part in PARTS)
    return Text(train, validation, test, tuple(words))


def _numbered(
    part: str, tokens: Sequence[str], numbers: Mapping[str, int], size: int | None
) -> Tokens:
    size = len(tokens) if size is None else size
    if not 2 <= size <= len(tokens):
        raise DataError(
            f"data.options.{part} = {size}: must be at least 2, and at most {len(tokens)}, as many "
            f"tokens as there are"
        )
    unknown = numbers.get(UNKNOWN)
    return np.array([numbers.get(token, unknown) for token in tokens[:size]], np.int32)
