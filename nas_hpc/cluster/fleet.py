"""The slots of this machine: which live, which are starting; more of them, fewer of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

from nas_hpc.cluster import presence
from nas_hpc.cluster.batch import Asked, Batch
from nas_hpc.cluster.environment import slot_environment
from nas_hpc.cluster.executor import SlotError
from nas_hpc.cluster.presence import Presence
from nas_hpc.store import RunFolder

FAILURES_IN_A_ROW = 3
"""Slots or children that could not start, before no more are started."""

PATIENCE = 10.0
"""Seconds that slots have to end in order before they are killed."""


def command(intent: Path) -> list[str]:
    """What submits slots."""
    return [sys.executable, "-m", "nas_hpc.cluster.submission", str(intent)]


class Fleet:
    """Starts slots, adopts those that earlier sessions started, and clears up behind them.

    Args:
        folder: of the search.
        count: slots at a time.
        epoch: of the session, so that no two sessions name a slot alike.

    Attributes:
        living: slots that may take trials, by name.
        starting: names of slots that are on their way in.
        ending: names of slots that take no trial any more but still hold memory or a GPU.
    """

    def __init__(self, folder: RunFolder, count: int, epoch: int) -> None:
        self._folder = folder
        self._count = count
        self._epoch = epoch
        batches = [Batch.of(p) for p in sorted(folder.jobs.glob("nas-*.json")) if "." not in p.stem]
        ours = folder.root.resolve()  # other intents were copied here with the folder
        self._asked = [Asked(batch) for batch in batches if batch.folder.root == ours]
        self._batches = 0
        self._gone: set[str] = set()
        self._failures = 0
        self._blamed: Path | None = None
        self._ready: set[str] = set()
        self.living: dict[str, Presence] = {}
        self.starting: set[str] = set()
        self.ending: set[str] = set()
        self.look()
        self._failures = 0  # those of earlier sessions may have been seen to

    def look(self) -> None:
        """See which slots live, and which are on their way in or out."""
        for asked in self._asked:
            if not asked.hear():
                self._blame(asked.batch)
        present = {p.slot: p for p in presence.slots(self._folder) if p.slot not in self._gone}
        self.living = {slot: seen for slot, seen in present.items() if seen.alive}
        ready = {slot for slot, seen in self.living.items() if seen.state == "ready"}
        if ready - self._ready:
            self._failures = 0
        self._ready = ready
        for slot in present.keys() - self.living.keys():
            self._bury(slot)
        self.starting, self.ending = set(), present.keys() - self.living.keys() - self._gone
        for asked in self._asked:
            for slot in set(asked.batch.slots) - present.keys() - self._gone:
                if asked.pending(slot):
                    self.starting.add(slot)
                elif asked.controllers is not None:
                    self._bury(slot)

    def gone(self, slot: str) -> bool:
        """Whether nothing more can come of the slot's claims, as of now."""
        if slot in self._gone:
            return True
        seen = Presence.of(self._folder, slot)
        return seen is None or seen.gone

    def keep(self, wanted: int) -> None:
        """See to it that there are so many slots, but at most ``count``.

        Raises:
            SlotError: several in a row could not start, and there is none to go on with.
        """
        there = self.living.keys() | self.starting
        by_index = sorted(self.living, key=presence.index, reverse=True)
        for slot in by_index[: max(0, len(there) - self._count)]:
            presence.retirement(self._folder, slot).touch()
        missing = min(wanted, self._count) - len(there | self.ending)
        if missing <= 0 or any(asked.submitter for asked in self._asked):
            return
        if self._failures >= FAILURES_IN_A_ROW:
            if not self._ready:
                raise SlotError(self._complaint())
            return  # go on with those that there are
        taken = {presence.index(slot) for slot in there | self.ending}
        self._submit([i for i in range(self._count) if i not in taken][:missing])

    def clear(self, claiming: Collection[str]) -> None:
        """Delete the files of slots that have ended and hold no claim.

        What slots that ended out of order have said goes to the folder of logs.
        """
        for asked in list(self._asked):
            batch = asked.batch
            if not asked.over() or any(s in claiming or not self.gone(s) for s in batch.slots):
                continue
            ends = [Presence.of(self._folder, slot) for slot in batch.slots]
            if any(seen is None or seen.state != "ended" for seen in ends):
                self._keep_log(batch)
            if batch.files.exists():
                shutil.rmtree(batch.files)
            batch.answer.unlink(missing_ok=True)
            batch.intent.unlink()
            self._asked.remove(asked)
        asked_for = {slot for asked in self._asked for slot in asked.batch.slots}
        for slot in self._gone - asked_for - set(claiming):
            (self._folder.slots / f"{slot}.json").unlink(missing_ok=True)
            presence.retirement(self._folder, slot).unlink(missing_ok=True)
            self._gone.discard(slot)

    def end(self) -> None:
        """End all slots; they and their children have ended on return.

        Raises:
            SlotError: some cannot be ended.
        """
        self.settle()
        began = time.monotonic()
        while True:
            self.look()
            slots = [p for p in presence.slots(self._folder) if not p.gone]
            watchers = [
                controller
                for asked in self._asked
                for controller in (asked.controllers or {}).values()
                if controller.alive()
            ]
            if not slots and not watchers:
                break
            patience = PATIENCE - (time.monotonic() - began)
            if patience < -PATIENCE:
                raise SlotError(f"cannot be ended: {[str(p.identity) for p in slots]}")
            for seen in slots:
                if seen.identity.alive():
                    os.kill(seen.identity.pid, signal.SIGTERM if patience > 0 else signal.SIGKILL)
            for controller in watchers:  # they pass it on to slots that are not there yet
                os.kill(controller.pid, signal.SIGTERM)
            time.sleep(0.1)
        self.clear(claiming=())

    def settle(self) -> None:
        """Wait until what is being submitted is submitted."""
        for asked in self._asked:
            if asked.submitter is not None:
                asked.submitter.wait()

    def _bury(self, slot: str) -> None:
        seen = Presence.of(self._folder, slot)
        if seen is None or seen.gone:
            self._gone.add(slot)
            if seen is None or seen.state == "failed":
                self._blame(*(a.batch for a in self._asked if slot in a.batch.slots))

    def _submit(self, indices: list[int]) -> None:
        self._batches += 1
        number = f"{self._epoch:06d}-{self._batches:03d}"
        search = hashlib.sha256(str(self._folder.root.resolve()).encode()).hexdigest()[:8]
        slots = tuple(f"{number}-{index}" for index in indices)
        batch = Batch(self._folder, f"nas-{search}-{number}", slots)
        batch.prepare()
        with (batch.files / "submission.log").open("wb") as log:
            submitter = subprocess.Popen(
                command(batch.intent),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=slot_environment(os.environ),
                start_new_session=True,
            )
        self._asked.append(Asked(batch, submitter))
        self.starting |= set(slots)

    def _blame(self, *batches: Batch) -> None:
        self._failures += 1
        for batch in batches:
            self._blamed = self._keep_log(batch)

    def _keep_log(self, batch: Batch) -> Path:
        """Put what the batch has said so far into the folder of logs."""
        parts = [batch.files / "submission.log", *sorted(batch.files.glob("*_log.out"))]
        kept = self._folder.logs / f"{batch.name}.log"
        kept.write_text("".join(p.read_text(errors="replace") for p in parts if p.exists()))
        return kept

    def _complaint(self) -> str:
        said = self._blamed.read_text().strip().splitlines()[-40:] if self._blamed else []
        what = f"{self._failures} times in a row, a slot or its child could not start"
        return "\n".join([what, *said, str(self._blamed or self._folder.jobs)])
