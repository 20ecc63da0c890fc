"""Data sets on disk: prepared once for an experiment, the test data in a file of their own.

``runs/<experiment>/data`` holds ``search.npz`` (training and validation), ``test.npz`` and
``data.json``. Children of the search load ``search.npz`` only: test data can choose nothing there.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nas_hpc.children.dataset import Arrays, Data, DataError, Dataset
from nas_hpc.children.digits import digits
from nas_hpc.children.image_folder import images
from nas_hpc.children.published import cifar10, cifar100, fashion_mnist
from nas_hpc.children.pydoc_text import pydoc
from nas_hpc.children.text import Text
from nas_hpc.children.text_files import ptb, text
from nas_hpc.experiment.model import DataConfig, Experiment
from nas_hpc.experiment.reading import ExperimentError
from nas_hpc.experiment.reference import check_arguments, is_reference, resolve, source_hash
from nas_hpc.store.durable import read_json, write_durably, write_json

BUILT_IN: Mapping[str, Callable[..., Data]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "digits": digits,
    "fashion-mnist": fashion_mnist,
    "images": images,
    "ptb": ptb,
    "pydoc": pydoc,
    "text": text,
}
KINDS: tuple[type[Data], ...] = (Dataset, Text)


def make_dataset(config: DataConfig) -> Data:
    """Call the data function that ``data.name`` and ``data.options`` name.

    Raises:
        ExperimentError: no such data set, or options that it does not take.
        DataError: what it returns is not a complete data set.
        OwnCodeError: the name leads to no code.
    """
    if not is_reference(config.name) and config.name not in BUILT_IN:
        raise ExperimentError(
            f"data.name = {config.name!r}: allowed: {', '.join(BUILT_IN)}, "
            f"package.module:name, path/to/file.py:name"
        )
    function = resolve(config.name) if is_reference(config.name) else BUILT_IN[config.name]
    check_arguments(function, config.options, "data.options")
    try:
        data = function(**config.options)
    except TypeError as error:
        raise ExperimentError(
            f"data.name = {config.name!r}, data.options = {config.options}: {error}"
        ) from error
    if not isinstance(data, KINDS) or data.test is None:
        raise DataError(
            f"data.name = {config.name!r} must return a Dataset with a test part, or such a Text"
        )
    return data


def prepared(experiment: Experiment, folder: Path) -> dict[str, Any] | None:
    """What ``data.json`` says, see `prepare`; None unless just the experiment's data are there."""
    files, asked = _files(folder), _asked(experiment.data)
    if not all(file.is_file() for file in files):
        return None
    there = _about(files[2])
    return there if all(there[key] == asked[key] for key in asked) else None


def prepare(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """Make the experiment's data files, unless they are there; the data function runs only then.

    Returns:
        What ``data.json`` says: name, options, source (SHA-256 of own code's file, else empty),
        fingerprint (SHA-256 of training and validation data), each part's shape, and how many
        classes, or words in the vocabulary, there are.

    Raises:
        DataError: the folder holds other data, on which a search may have been built, or a file
            that is damaged; or what the data are made of is missing or damaged.
    """
    if (about := prepared(experiment, folder)) is not None:
        load_search(folder)
        load_test(folder)
        return about
    config, files = experiment.data, _files(folder)
    there = _about(files[2]) if files[2].is_file() else {}
    data = make_dataset(config)
    search = data.search_arrays()
    about = _asked(config) | {"fingerprint": _fingerprint(search)} | data.about()
    if there and there["fingerprint"] != about["fingerprint"]:
        raise DataError(
            f"{folder} holds the data of {there['name']!r} with options {there['options']}, not of "
            f"{config.name!r} with options {config.options}. Name the experiment otherwise, or "
            f"delete {folder.parent} if nothing that was trained on it matters."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _save(files[0], search)
    _save(files[1], data.test_arrays())
    write_json(files[2], about)
    return about


def load_search(folder: Path) -> Any:
    """Training and validation data, without test data; kept in memory for the next call.

    Returns:
        A `Dataset` or a `Text`.

    Raises:
        DataError: the file is missing or damaged; the message names it.
    """
    file = folder / "search.npz"
    return _load_search(file, file.stat().st_mtime_ns if file.is_file() else 0)


def load_test(folder: Path) -> Any:
    """Test data, of the type of ``test`` in what `load_search` returns.

    Raises:
        DataError: the file is missing or damaged; the message names it.
    """
    file = folder / "test.npz"
    arrays = _load(file)
    return _kind(file, arrays, "TEST").of_test(arrays)


def _files(folder: Path) -> list[Path]:
    return [folder / name for name in ("search.npz", "test.npz", "data.json")]


def _about(file: Path) -> dict[str, Any]:
    try:
        return dict(read_json(file))
    except ValueError as error:
        raise DataError(f"{error}. Once it is deleted, nas-hpc prepare makes it again.") from error


def _asked(config: DataConfig) -> dict[str, Any]:
    source = source_hash(config.name) if is_reference(config.name) else ""
    return {"name": config.name, "options": config.options, "source": source}


@lru_cache(maxsize=1)
def _load_search(file: Path, written: int) -> Data:
    arrays = _load(file)
    return _kind(file, arrays, "SEARCH").of_search(arrays)


def _load(file: Path) -> Arrays:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise DataError(f"{file} does not exist; the data has not been prepared") from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(file, repr(error)) from error


def _kind(file: Path, arrays: Arrays, which: str) -> type[Data]:
    """The kind of data whose arrays of that name these are."""
    for kind in KINDS:
        if set(getattr(kind, which)) == set(arrays):
            return kind
    raise _unreadable(file, f"its arrays are {', '.join(arrays)}")


def _unreadable(file: Path, reason: str) -> DataError:
    return DataError(
        f"{file} cannot be read: {reason}. Once it is deleted, nas-hpc prepare makes it again."
    )


def _save(file: Path, arrays: Arrays) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write_durably(file, write)


def _fingerprint(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
