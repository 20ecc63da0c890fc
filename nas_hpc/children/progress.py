"""A child's epoch checkpoint: what a later attempt goes on from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

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
        """Write the state durably: tensors, numbers, strings, lists and dictionaries of them."""
        seconds = self.earlier_seconds + time.perf_counter() - self._started
        saved = {"identity": self.identity, "seconds": seconds, "state": state}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self.path, lambda temporary: torch.save(saved, temporary))
        self._saved = time.perf_counter()
