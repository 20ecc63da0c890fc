"""A text that every Python has: the documentation of its language, as ``help("if")`` shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nas_hpc.children.text import Text
from nas_hpc.children.text_encoding import encode, tokens_of

TOKEN = re.compile(r"\d+|\w+|(\W)\1*")
"""A number, a word, or the same sign however often in a row."""

STRETCH = 10
"""Paragraphs; of each ten stretches eight are for training, one for validation, one for the test.

So each part has something of all topics, as they are in alphabetical order.
"""


def pydoc(
    level: str = "word",
    max_vocabulary: int | None = 2000,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
) -> Text:
    """The topics in `pydoc_data`; other versions of Python have slightly other ones.

    A paragraph counts as a sentence, in lower case, and each once, however many topics have it.
    Numbers are written ``N``, and signs apart from words.

    Args:
        level: ``word`` or ``character``.
        max_vocabulary: the most frequent tokens are known, at most so many; None: all of the
            training text. All others become ``<unk>``.
        train, validation, test: how many tokens of each part are taken, from its beginning; None:
            all. The vocabulary is that of the whole text.

    Raises:
        DataError: there are not so many tokens, or no such level.
    """
    paragraphs = list(dict.fromkeys(_paragraphs()))
    sentences: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for i, paragraph in enumerate(paragraphs):
        part = {8: "validation", 9: "test"}.get(i // STRETCH % 10, "train")
        sentences[part].append(paragraph)
    parts = {part: tokens_of(some, level) for part, some in sentences.items()}
    return encode(parts, {"train": train, "validation": validation, "test": test}, max_vocabulary)


def _paragraphs() -> Iterator[str]:
    """Their tokens, with a space between two."""
    from pydoc_data.topics import topics

    for topic in topics.values():
        for paragraph in topic.lower().split("\n\n"):
            found = (match.group().strip() for match in TOKEN.finditer(paragraph))
            if tokens := ["N" if token.isdigit() else token for token in found if token]:
                yield " ".join(tokens)
