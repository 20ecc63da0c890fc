"""HDF5 files that are written at once and only ever read after that.

A file is built in memory, written under a temporary name with one ordinary write, read back and
compared, and renamed. So HDF5 itself never meets a full disk, and no file is ever open for writing
under its final name.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nas_hpc.store.durable import write_durably

TEXT = h5py.string_dtype("utf-8")
COMPRESSED_FROM = 4096  # bytes; below, chunks cost more than they save


class DamagedFile(RuntimeError):
    """A file cannot be read as what it should be; the message names it and says why.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"{path} is damaged: {why}")
        self.path = path


def write_hdf5(
    path: Path,
    fill: Callable[[h5py.File], None],
    verify: Callable[[Path], object],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write an HDF5 file durably.

    Args:
        path: the final name.
        fill: puts everything into the open file.
        verify: reads the file of the given temporary name and raises unless all of it is there.
        check: called right before the rename; what it raises leaves nothing behind.

    Raises:
        OSError: the disk is full, say; nothing is left behind.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        image = file.id.get_file_image()

    def write(temporary: Path) -> None:
        temporary.write_bytes(image)
        verify(temporary)

    write_durably(path, write, check)


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read from it.

    Its bytes are read at once: HDF5 fails in many ways on a file that is deleted while it looks.

    Raises:
        FileNotFoundError: it is not there, or was deleted on another machine while it was read.
        OSError: the system refuses to read it.
        DamagedFile: it is no HDF5 file, or reading from it inside the ``with`` failed.
    """
    try:
        image = path.read_bytes()
    except OSError as error:
        if error.errno == errno.ESTALE:
            raise FileNotFoundError(error.errno, os.strerror(error.errno), str(path)) from error
        raise
    try:
        with h5py.File(h5py.h5f.open_file_image(image)) as file:
            yield file
    except Exception as error:
        raise DamagedFile(path, error) from error


def put(parent: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Store an array; objects are text. Large arrays are compressed."""
    if values.dtype.kind == "O":
        return parent.create_dataset(name, data=[plain(v) for v in values], dtype=TEXT)
    options: dict[str, Any] = {}
    if values.nbytes >= COMPRESSED_FROM:
        options = {"chunks": True, "compression": 1, "shuffle": True}
    return parent.create_dataset(name, data=values, **options)


def get(file: h5py.File, name: str, dtype: np.dtype) -> np.ndarray:
    """The array of a dataset of one dimension; text comes as an object array of ``str``.

    Raises:
        KeyError, ValueError: there is no such dataset, or it has another type.
    """
    dataset = file[name]
    if dtype.kind == "O":
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise ValueError(f"{name} has type {dataset.dtype}, not text")
        return np.asarray(dataset.asstr()[()], dtype=object)
    if dataset.dtype != dtype:
        raise ValueError(f"{name} has type {dataset.dtype}, not {dtype}")
    return np.asarray(dataset[()])


def checksum(*values: np.ndarray | str | int) -> str:
    """SHA-256 of values in their order, as 64 hexadecimal digits; text as HDF5 can hold it."""
    total = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind == "O":
            content = "\0".join(plain(text) for text in value).encode()
        else:
            content = (
                value.tobytes() if isinstance(value, np.ndarray) else plain(str(value)).encode()
            )
        total.update(b"%d:" % len(content))
        total.update(content)
    return total.hexdigest()


def plain(text: str) -> str:
    """The text with what HDF5 cannot hold (NUL, lone surrogates) written as escapes."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
