"""A batch of tasks, and what a session knows of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.place import Handle, Place
from nas_hpc.cluster.presence import asked_for
from nas_hpc.cluster.submission import complete

IN_DOUBT = r"timed out|unable to contact|communication|connection|socket"
"""What sbatch says where the jobs may have been taken all the same."""

MEMORY = r"slurmstepd.*(exceeded .*memory limit|oom.kill)"
"""What Slurm writes into the log of a task that took more memory than it asked for."""


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
        refused: whether nothing was submitted.
        said: why not, or why that is in doubt.
        ours: whether this session submitted it.
    """

    def __init__(self, batch: Batch, place: Place) -> None:
        self.batch = batch
        self.handles: dict[str, Handle] | None = None
        self.refused = False
        self.said = ""
        self.ours = False
        self._place = place
        self._submitter: subprocess.Popen[bytes] | None = None

    def submit(self) -> None:
        """Start what submits the batch: a process in a session of its own, which outlives us."""
        self.ours = True
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
        return self._submitter is not None and self._submitter.poll() is None

    def hear(self) -> Literal["accepted", "refused", "in doubt", "failed", ""]:
        """What is new about the submission; ``failed``: our submitter ended without an answer."""
        if self.handles is not None or self.refused:
            return ""
        submitting = self.submitting
        ended = self._submitter is not None and not submitting
        answer = self.batch.answered()  # after the look at who writes it
        if ended:
            self._submitter = None
        if answer is not None and answer[0] is not None:
            return self._accept(answer[0])
        if answer is not None and not re.search(IN_DOUBT, answer[1], re.IGNORECASE):
            self.refused, self.said = True, answer[1]
            return "refused"
        if submitting:
            return ""
        found = self._place.find(self.batch)
        if found:
            complete(self.batch, found)
            self.batch.answer(found)
            return self._accept(found)
        self.refused = found is not None
        if answer is not None and not self.said:
            self.said = answer[1]
            return "in doubt"
        return "failed" if ended and answer is None else ""

    def wait(self) -> None:
        """Wait until our submitter has ended."""
        if self._submitter is not None:
            self._submitter.wait()

    def pending(self, slot: str) -> bool:
        """Whether the slot, not seen so far, may yet appear."""
        if self.handles is not None:
            return self._place.active(self.handles[slot])
        in_doubt = self._place.bounds.queues and not self.refused
        return self.submitting or in_doubt

    def lacked_memory(self, slot: str) -> bool:
        """Whether Slurm has ended the slot's task for that."""
        handle = (self.handles or {}).get(asked_for(slot), {})
        logs = self.batch.files.glob(f"{handle.get('job')}_*_log.out")
        return any(re.search(MEMORY, log.read_text(errors="replace")) for log in logs)

    def over(self) -> bool:
        """Whether nothing that it started is there any more."""
        if self.submitting:
            return False
        if self.handles is not None:
            return not any(self._place.active(handle) for handle in self.handles.values())
        return self.refused

    def _accept(self, handles: list[Handle]) -> Literal["accepted"]:
        tasks = zip(self.batch.tasks, handles, strict=True)
        self.handles = {slot: handle for slots, handle in tasks for slot in slots}
        return "accepted"
