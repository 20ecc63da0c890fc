"""Folders of text files as data sets: the Penn Treebank as Mikolov prepared it, and any other text.

One line is one sentence; its words stand between spaces. Each file may also be compressed, with
``.gz`` behind its name.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path

from nas_hpc.children.dataset import DataError
from nas_hpc.children.text import Text
from nas_hpc.children.text_encoding import PARTS, encode, tokens_of

PTB = {
    "word": {"train": 929_589, "validation": 73_760, "test": 82_430},
    "character": {"train": 5_017_482, "validation": 393_042, "test": 442_423},
}
"""Tokens of the Penn Treebank's parts, by level."""

PTB_VOCABULARY = {"word": 10_000, "character": 50}


def ptb(
    folder: str,
    level: str = "word",
    max_vocabulary: int | None = None,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
) -> Text:
    """The Penn Treebank in Mikolov's form: ``ptb.train.txt``, ``ptb.valid.txt``, ``ptb.test.txt``.

    That it is this text, and all of it, is seen by the numbers of its tokens and of the words in
    its vocabulary, ``<eos>`` after each sentence counted. Characters are those of the same files,
    as in Mikolov et al. 2012 ("Subword language modeling with neural networks"), where a rare word
    is spelt ``<unk>``.

    Args:
        folder: relative to the working directory; ``~`` is the home.
        level: ``word`` or ``character``.
        max_vocabulary: the rarer words become ``<unk>``, for small searches; perplexities are then
            not those of publications. None: all are known.
        train, validation, test: how many tokens of each part are taken, from its beginning; None:
            all. The vocabulary is that of the whole text.

    Raises:
        DataError: a file is missing, damaged, or holds another text; names it.
    """
    files = {
        part: _file(Path(folder).expanduser(), f"ptb.{name}.txt") for part, name in _NAMES.items()
    }
    parts = {part: _tokens(file, level) for part, file in files.items()}
    for part, file in files.items():
        if len(parts[part]) != (expected := PTB[level][part]):
            raise DataError(
                f"{file} has {len(parts[part]):,} {level}s, not the {expected:,} of the Penn "
                f"Treebank in Mikolov's form; data.name: text takes any other text"
            )
    if (words := len(set(parts["train"]))) != PTB_VOCABULARY[level]:
        raise DataError(
            f"{files['train']} has a vocabulary of {words:,} {level}s, not the "
            f"{PTB_VOCABULARY[level]:,} of the Penn Treebank in Mikolov's form"
        )
    sizes = {"train": train, "validation": validation, "test": test}
    return encode(parts, sizes, max_vocabulary, closed=True)


def text(
    folder: str,
    level: str = "word",
    max_vocabulary: int | None = None,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
) -> Text:
    """Any text: ``train.txt``, ``valid.txt`` and ``test.txt``, in UTF-8, one sentence a line.

    Args:
        folder: relative to the working directory; ``~`` is the home.
        level: ``word``: what stands between spaces; ``character``.
        max_vocabulary: the most frequent words are known, at most so many; None: all of
            ``train.txt``. All others become ``<unk>``.
        train, validation, test: how many tokens of each part are taken, from its beginning; None:
            all. The vocabulary is that of the whole text.

    Raises:
        DataError: a file is missing, damaged, or too short; names it.
    """
    place = Path(folder).expanduser()
    files = {part: _file(place, f"{name}.txt") for part, name in _NAMES.items()}
    parts = {part: _tokens(file, level) for part, file in files.items()}
    for part, file in files.items():
        if len(parts[part]) < 2:
            raise DataError(f"{file} holds no words")
    return encode(parts, {"train": train, "validation": validation, "test": test}, max_vocabulary)


_NAMES: Mapping[str, str] = dict(zip(PARTS, ("train", "valid", "test"), strict=True))


def _file(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise DataError(
        f"{folder / name} does not exist, nor does {name}.gz: put the text there, or name the "
        f"folder that has it as data.options.folder"
    )


def _tokens(file: Path, level: str) -> list[str]:
    try:
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
        return tokens_of(content.decode("utf-8-sig").split("\n"), level)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
