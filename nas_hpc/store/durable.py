"""Files that are either wholly there or not there at all, whenever the machine stops."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nas_hpc.store.room import naming


def write_durably(
    path: Path, write: Callable[[Path], None], check: Callable[[], None] = lambda: None
) -> None:
    """Write a file under a temporary name, make it durable, and rename it.

    Args:
        path: the final name; an existing file there is replaced.
        write: writes the file of the given temporary name.
        check: called right before the rename; what it raises leaves nothing behind.

    Raises:
        DiskFull: there is no room; nothing is left behind, ``path`` is as it was.
    """
    temporary = _temporary(path)
    with naming(path.parent):
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            check()
            temporary.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_json(path: Path, data: Any) -> None:
    """Write JSON data durably."""
    write_durably(path, lambda temporary: _dump(temporary, data))


def read_json(path: Path) -> Any:
    """Read JSON data.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is damaged; names the file.
    """
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def create_json(path: Path, data: Any) -> None:
    """Write JSON data durably under a name that must not be there yet.

    Raises:
        FileExistsError: somebody else was first; their file is untouched.
        DiskFull: there is no room.
    """
    temporary = _temporary(path)
    with naming(path.parent):
        try:
            _dump(temporary, data)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_anew(folder: Path) -> None:
    """Change the folder, so that a shared file system lists it anew instead of from its cache."""
    mark = folder / f".listing.{secrets.token_hex(4)}.tmp"
    mark.touch()
    mark.unlink()


def _temporary(path: Path) -> Path:
    # Random, because processes of several machines, with equal numbers, share the folder.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _dump(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
