"""A full disk: told from other faults, named, waited out, or done without.

Full means that bytes or inodes have run out, on the disk or of a quota. It is nobody's failure:
whoever must write waits until there is room, and goes on as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

FULL = (errno.ENOSPC, errno.EDQUOT)

ENOUGH_BYTES = 64 * 1024
"""That many must be free again before anything is tried again."""

REST_SECONDS = 1.0
"""Between two tries ..."""

REMINDER_SECONDS = 60.0
"""... and between two lines about it."""


class DiskFull(OSError):
    """There is no room; the message names the folder, and what there is none of."""

    def __init__(self, folder: Path, cause: OSError) -> None:
        super().__init__(cause.errno, _shortage(folder, cause))

    def __str__(self) -> str:
        return str(self.strerror)


def is_full(error: BaseException) -> bool:
    """Whether it says that the disk is full, or a quota used up."""
    return isinstance(error, OSError) and error.errno in FULL


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Have the errors of a full disk say where and what.

    Raises:
        DiskFull: in place of another error that says so.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, DiskFull) or not is_full(error):
            raise
        raise DiskFull(folder, error) from error


def check_room(folder: Path) -> None:
    """Try to write a small file; the sizes that a system tells know nothing of quotas.

    Raises:
        DiskFull: there is no room for it.
    """
    trial = folder / f".room.{secrets.token_hex(4)}.tmp"
    with naming(folder):
        try:
            with trial.open("wb") as file:
                file.write(bytes(ENOUGH_BYTES))
                file.flush()
                os.fsync(file.fileno())  # some file systems say it only now
        finally:
            trial.unlink(missing_ok=True)


@contextmanager
def done_without(what: str) -> Iterator[None]:
    """What is done inside is left where the disk is full, and named on standard error."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        complain(f"without {what}: {error}")


def complain(text: str) -> None:
    """Print to standard error, which may itself be on the full disk."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


class Room:
    """Room on the disk of a folder, awaited where it is missing.

    Args:
        folder: on that disk.
        say: is told what is missing, at once and then every minute.
        told_to_end: asked between two tries.

    Attributes:
        pauses: what was missing and for how long, one line for each time that is over.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None] = complain,
        told_to_end: Callable[[], object] = lambda: False,
    ) -> None:
        self._folder = folder
        self._say = say
        self._told_to_end = told_to_end
        self.pauses: list[str] = []

    def awaited(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something; as long as the disk is too full for it, do it again.

        Args:
            act: fails on a full disk before it has done anything, or may be done twice.

        Raises:
            DiskFull: told to end, and the disk is still full.
        """
        missing: DiskFull | None = None
        began = said = time.monotonic()
        while True:
            try:
                with naming(self._folder):
                    if missing is not None:
                        check_room(self._folder)
                    result = act(*args, **kwargs)
            except DiskFull as full:
                now = time.monotonic()
                if missing is None or now - said > REMINDER_SECONDS:
                    self._say(f"{full}; waiting for room")
                    said = now
                missing = full
                if self._told_to_end():
                    raise
                time.sleep(REST_SECONDS)
                continue
            if missing is not None:
                self.pauses.append(f"{time.monotonic() - began:.0f} s: {missing}")
            return result


def _shortage(folder: Path, cause: OSError) -> str:
    while not folder.exists():
        folder = folder.parent
    if cause.errno == errno.EDQUOT:
        return f"No space left: the quota on the disk of {folder} is used up"
    disk = os.statvfs(folder)
    if disk.f_files and not disk.f_favail:
        return f"No space left: none of the {disk.f_files} inodes of the disk of {folder} is free"
    free, size = (blocks * disk.f_frsize / 1e6 for blocks in (disk.f_bavail, disk.f_blocks))
    return f"No space left: {free:.1f} of {size:.1f} MB are free on the disk of {folder}"
