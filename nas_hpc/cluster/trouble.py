"""What goes wrong when slots are to be started: when to wait, when to give up, and what to say."""

from __future__ import annotations

import logging
import math
import re
import time
from pathlib import Path

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.executor import SlotError
from nas_hpc.cluster.presence import Presence
from nas_hpc.store import RunFolder, done_without

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 3
"""Slots or children that could not start, before no more are started."""

FAULTS = r"invalid|unrecognized|not permitted|is not available|no such|not found"
"""What sbatch says of a mistake; any other refusal is a limit or a busy controller, and passes."""

NOT_THEIRS = (
    "CANCELLED",
    "PREEMPTED",
    "NODE_FAIL",
    "TIMEOUT",
    "BOOT_FAIL",
    "DEADLINE",
    "GONE",
    "UNKNOWN",
)
"""States of tasks that never started, and could not help it."""

OUT_OF_MEMORY = "OUT_OF_MEMORY"
"""State of a task that took more memory than it asked for."""

THEIRS = ("FAILED", OUT_OF_MEMORY)
"""States of tasks that ended before their child was ready, and will do so again."""

SHORTEST_DELAY, LONGEST_DELAY = 5.0, 300.0
"""Seconds before the next submission after a refusal; doubled each time."""


def could_not_start(seen: Presence | None, state: str) -> bool:
    """Whether a slot that has ended never worked, through its own fault.

    Args:
        seen: what it said of itself; None if it never did.
        state: of its task.
    """
    if seen is None:
        return state not in NOT_THEIRS
    return seen.state == "failed" or (seen.state == "starting" and state in THEIRS)


class Trouble:
    """Counts failures and refusals in a row.

    Attributes:
        most_tasks: to be submitted together; a quota may have room for a part of what it refused.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._failures = 0
        self._delays = 0
        self._not_before = -math.inf
        self.most_tasks = math.inf
        self._blamed: Path | None = None

    @property
    def waits(self) -> bool:
        """Whether it is too early to submit again."""
        return time.monotonic() < self._not_before

    @property
    def hopeless(self) -> bool:
        """Whether there have been too many failures in a row."""
        return self._failures >= FAILURES_IN_A_ROW

    def over(self) -> None:
        """A slot was ready, so it was not the slots' fault; or it may have been seen to."""
        self._failures = self._delays = 0

    def accepted(self) -> None:
        """A batch was submitted."""
        self.most_tasks *= 2

    def failed(self, *batches: Batch) -> None:
        """A slot of these could not start."""
        self._failures += 1
        for batch in batches:
            self._blamed = self.keep_log(batch)
        if self.hopeless:  # there may be slots to go on with; now and then one more is tried
            self.most_tasks = 1
            self._put_off(f"slots cannot start, see {self._blamed}")

    def refused(self, batch: Batch, text: str) -> None:
        """Nothing of the batch was submitted. Limits and a busy controller are waited for."""
        if re.search(FAULTS, text, re.IGNORECASE):
            self.failed(batch)
            return
        self.most_tasks = max(1, len(batch.tasks) // 2)
        self._put_off(text)

    def _put_off(self, why: str) -> None:
        delay = min(LONGEST_DELAY, SHORTEST_DELAY * 2**self._delays)
        self._delays += 1
        self._not_before = time.monotonic() + delay
        logger.warning("no more tasks for now, trying again in %.0f s: %s", delay, why)

    def keep_log(self, batch: Batch) -> Path:
        """Put what the batch has said so far into the folder of logs."""
        parts = [batch.files / "submission.log", *sorted(batch.files.glob("*_log.out"))]
        kept = self._folder.logs / f"{batch.name}.log"
        said = "".join(part.read_text(errors="replace") for part in parts if part.exists())
        with done_without(str(kept)):
            kept.write_text(said)
        return kept

    def error(self) -> SlotError:
        """Says what failed last, and where it is written."""
        what = f"{self._failures} times in a row, a slot or its child could not start"
        if self._blamed is None:
            return SlotError(f"{what}\n{self._folder.jobs}")
        said = self._blamed.read_text().strip().splitlines()[-40:]
        return SlotError("\n".join([what, *said, str(self._blamed)]))
