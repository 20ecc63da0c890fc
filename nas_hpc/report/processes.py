"""Whether a search and its slots run; Slurm is asked for those on its nodes, and only rarely."""

from __future__ import annotations

import math

from nas_hpc.cluster import NoAnswer, is_alive, living_slots
from nas_hpc.cluster.presence import slots
from nas_hpc.store import RunFolder, current_session

ASK_SECONDS = 15.0
"""Between two questions to Slurm."""


class Processes:
    """The processes of one search, looked at again and again."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._slots: int | None = None
        self._slots_asked = -math.inf
        self._state = ""
        self._state_asked = -math.inf

    def slots(self, now: float) -> int | None:
        """How many slots live; None if Slurm does not tell."""
        on_slurm = any(seen.identity.job for seen in slots(self._folder))
        if not on_slurm or now - self._slots_asked >= ASK_SECONDS:
            self._slots_asked = now
            try:
                self._slots = len(living_slots(self._folder))
            except NoAnswer:
                self._slots = None
        return self._slots

    def state(self, now: float, reason: str) -> str:
        """What a search that is not done does; ``reason`` is why it ended, if it has."""
        session = current_session(self._folder)
        if session is None:
            return "starting"
        if not session.identity.here() and now - self._state_asked < ASK_SECONDS:
            return self._state
        self._state_asked = now
        try:
            self._state = (
                "searching"
                if is_alive(session.identity, session.started)
                else reason or "interrupted"
            )
        except (LookupError, NoAnswer):
            self._state = f"last written by {session.identity}"
        return self._state
