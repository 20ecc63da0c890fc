"""A file system that is really small: mounted in memory for a test, filled, and freed again."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """Two kinds of room, bytes and inodes, and ballast that takes them."""

    def __init__(self, path: Path, size: str, inodes: int) -> None:
        path.mkdir()
        options = f"size={size},nr_inodes={inodes},mode=0700"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            pytest.skip(f"a full disk is NOT tested here: {mounted.stderr.strip()}")
        self.path = path
        self._ballast = path / "ballast"
        self._ballast.mkdir()

    def fill(self, leave: int = 0) -> None:
        """Take all but so many bytes."""
        with (self._ballast / "bytes").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError as error:
                assert error.errno == errno.ENOSPC
            file.truncate(file.tell() - leave)

    def fill_inodes(self) -> None:
        """Take all inodes, and no bytes."""
        try:
            for number in range(10**6):
                (self._ballast / str(number)).touch()
        except OSError as error:
            assert error.errno == errno.ENOSPC

    def free(self) -> None:
        """Give back what was taken."""
        for file in self._ballast.iterdir():
            file.unlink()

    def unmount(self) -> None:
        """Give the disk up, at the latest when the last process has left it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)
