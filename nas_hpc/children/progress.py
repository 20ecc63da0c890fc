"""A child's epoch checkpoint: what a later attempt goes on from."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import torch

from nas_hpc.store import done_without
from nas_hpc.store.durable import write_durably


class Progress:
    """The file that one trial's attempts share.

    Attributes:
        path: of the file.
        identity: of the work; a file of other work is not gone on from.
        earlier_seconds: spent by earlier attempts on what `load` brought back.
    """

    seconds_between = 20.0
    """A save is due so long after the last one; a child that takes less writes nothing."""

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity
        self.earlier_seconds = 0.0
        self._started = self._saved = time.perf_counter()

    def load(self, device: str) -> dict[str, Any] | None:
        """What was last saved, tensors on the device; None if there is nothing of this work."""
        if not self.path.is_file():
            return None
        saved = torch.load(self.path, map_location=device, weights_only=True)
        if saved["identity"] != self.identity:
            return None
        self.earlier_seconds = saved["seconds"]
        state: dict[str, Any] = saved["state"]
        return state

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.perf_counter() - self._saved >= self.seconds_between

    def save(self, state: dict[str, Any]) -> None:
        """Write the state durably: tensors, numbers, strings, lists and dictionaries of them.

        On a full disk the last save stays, and the next one is due after the usual time.
        """
        seconds = self.earlier_seconds + time.perf_counter() - self._started
        saved = {"identity": self.identity, "seconds": seconds, "state": state}
        with done_without(f"saving {self.path}"):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            save_durably(saved, self.path)
        self._saved = time.perf_counter()


def save_durably(values: Any, path: Path) -> None:
    """Save tensors and what holds them, for ``torch.load(path, weights_only=True)``.

    Raises:
        DiskFull: there is no room; torch itself would say so in a RuntimeError without a reason.
    """
    buffer = io.BytesIO()
    torch.save(values, buffer)
    write_durably(path, lambda temporary: _put(temporary, buffer))


def _put(path: Path, buffer: io.BytesIO) -> None:
    path.write_bytes(buffer.getbuffer())
