"""A batch of tasks, and what a session knows of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.place import Handle, Place
from nas_hpc.cluster.submission import complete

UNANSWERED_SECONDS = 120.0
"""Age at which the files of a submission that never answered are cleared away."""


def command(intent: Path) -> list[str]:
    """What submits slots."""
    return [sys.executable, "-m", "nas_hpc.cluster.submission", str(intent)]


class Asked:
    """See the module.

    Args:
        batch: the slots asked for.
        place: where they run.

    Attributes:
        handles: by slot, once the answer is known; otherwise None.
        refused: why nothing was submitted; empty unless it was refused.
    """

    def __init__(self, batch: Batch, place: Place) -> None:
        self.batch = batch
        self.handles: dict[str, Handle] | None = None
        self.refused = ""
        self._place = place
        self._submitter: subprocess.Popen[bytes] | None = None

    def submit(self) -> None:
        """Start what submits the batch: a process in a session of its own, which outlives us."""
        with (self.batch.files / "submission.log").open("wb") as log:
            self._submitter = subprocess.Popen(
                command(self.batch.intent),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._place.environment(),
                start_new_session=True,
            )

    @property
    def submitting(self) -> bool:
        """Whether its submitter is ours and runs."""
        return self._submitter is not None

    def hear(self) -> Literal["accepted", "refused", "failed", ""]:
        """What is new about the submission; ``failed``: our submitter ended without an answer."""
        ended = self._submitter is not None and self._submitter.poll() is not None
        news = "" if self._answered else self._read_answer()
        if ended:
            self._submitter = None
        return "failed" if ended and not self._answered else news

    def wait(self) -> None:
        """Wait until our submitter has ended."""
        if self._submitter is not None:
            self._submitter.wait()

    def pending(self, slot: str) -> bool:
        """Whether the slot, not seen so far, may yet appear."""
        if self.handles is None:
            doubtful = self._place.bounds.adopts and self._young()
            return not self.refused and (self.submitting or doubtful)
        return self._place.active(self.handles[slot])

    def over(self) -> bool:
        """Whether nothing that it started is there any more."""
        if self.submitting:
            return False
        if self.handles is not None:
            return not any(self._place.active(handle) for handle in self.handles.values())
        return bool(self.refused) or not self._young()

    @property
    def _answered(self) -> bool:
        return self.handles is not None or bool(self.refused)

    def _read_answer(self) -> Literal["accepted", "refused", ""]:
        answer = self.batch.answered()
        if answer is None and not self.submitting:
            found = self._place.handles(self.batch)  # the submitter ended in between
            if found is not None:
                complete(self.batch, found)
                self.batch.answer(found)
                answer = found, ""
        if answer is None:
            return ""
        handles, self.refused = answer
        if handles is None:
            return "refused"
        tasks = zip(self.batch.tasks, handles, strict=True)
        self.handles = {slot: handle for slots, handle in tasks for slot in slots}
        return "accepted"

    def _young(self) -> bool:
        return time.time() - self.batch.time < UNANSWERED_SECONDS
