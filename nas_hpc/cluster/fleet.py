"""The slots of a search: which live, which are starting; more of them, fewer of them."""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from collections.abc import Collection

from nas_hpc.cluster import presence
from nas_hpc.cluster.asked import Asked
from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.executor import SlotError
from nas_hpc.cluster.place import Handle, Place
from nas_hpc.cluster.presence import Presence
from nas_hpc.cluster.trouble import Trouble
from nas_hpc.store import RunFolder, SlotUse, check_room

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

THEIRS = ("FAILED", "OUT_OF_MEMORY")
"""States of tasks that ended before their child was ready, and will do so again."""


class Fleet:
    """Starts slots, adopts those that earlier sessions started, and clears up behind them.

    Args:
        folder: of the search.
        place: where slots run, and what it allows.
        devices: GPUs that one slot occupies.
        epoch: of the session, so that no two sessions name a slot alike.

    Attributes:
        living: slots that may take trials, by name.
        starting: names of slots that are on their way in.
        ending: names of slots that take no trial any more but still hold memory or a GPU.
        ended: what is to be recorded of slots that are gone; whoever records it empties this.
    """

    def __init__(self, folder: RunFolder, place: Place, devices: float, epoch: int) -> None:
        self._folder = folder
        self._place = place
        self._devices = devices
        self._epoch = epoch
        batches = [Batch.of(p) for p in sorted(folder.jobs.glob("nas-*.json")) if "." not in p.stem]
        ours = folder.root.resolve()  # other intents were copied here with the folder
        self._asked = [Asked(batch, place) for batch in batches if batch.folder.root == ours]
        self._batches = 0
        self._gone: set[str] = set()
        self._trouble = Trouble(folder)
        self._short_since: float | None = None
        self._ready: set[str] = set()
        self.living: dict[str, Presence] = {}
        self.starting: set[str] = set()
        self.ending: set[str] = set()
        self.ended: list[SlotUse] = []
        self.look()
        self._trouble.over()  # that of earlier sessions may have been seen to

    def look(self) -> None:
        """See which slots live, and which are on their way in or out."""
        self._place.see([asked.batch for asked in self._asked])
        for asked in self._asked:
            self._hear(asked)
        present = {p.slot: p for p in presence.slots(self._folder) if p.slot not in self._gone}
        self.living = {slot: p for slot, p in present.items() if self._alive(p, present)}
        ready = {slot for slot, seen in self.living.items() if seen.state == "ready"}
        if ready - self._ready:
            self._trouble.over()
        self._ready = ready
        for slot in present.keys() - self.living.keys():
            if self._place.gone(present[slot]):
                self._bury(slot)
        self.starting, self.ending = set(), present.keys() - self.living.keys() - self._gone
        announced = {presence.asked_for(slot) for slot in present.keys() - self.ending}
        for asked in self._asked:
            for slot in set(asked.batch.slots) - announced - self._gone:
                if asked.pending(slot):
                    self.starting.add(slot)
                elif asked.handles is not None and slot not in present:
                    self._bury(slot)

    def gone(self, slot: str) -> bool:
        """Whether nothing more can come of the slot's claims, as of now."""
        if slot in self._gone:
            return True
        seen = Presence.of(self._folder, slot)
        if seen is None:
            return presence.asked_for(slot) not in self.starting
        return slot not in self.living and self._place.gone(seen)

    def why(self, slot: str) -> str:
        """How a slot that is gone has ended."""
        return self._place.state(self._handle(slot), Presence.of(self._folder, slot))

    def keep(self, wanted: int) -> None:
        """See to it that there are so many slots, but no more than there may be.

        Raises:
            SlotError: several in a row could not start, and there is none to go on with.
        """
        bounds = self._place.bounds
        there = self.living.keys() | self.starting
        by_index = sorted(self.living, key=presence.index, reverse=True)
        for slot in by_index[: max(0, len(there) - bounds.slots)]:
            presence.retirement(self._folder, slot).touch()
        missing = min(wanted, bounds.slots) - len(there | self.ending)
        now = time.monotonic()
        if missing <= 0:
            self._short_since = None
            return
        self._short_since = now if self._short_since is None else self._short_since
        if any(asked.submitting for asked in self._asked) or self._trouble.waits:
            return
        if self._trouble.hopeless:
            if not self._ready:
                raise self._trouble.error()
            return  # go on with those that there are
        room = bounds.waiting - math.ceil(len(self.starting) / bounds.together)
        most = min(room, bounds.batch, self._trouble.most_tasks)
        full = missing >= bounds.slots
        if most > 0 and (full or now - self._short_since >= bounds.gather_seconds):
            taken = {presence.index(slot) for slot in there | self.ending}
            free = [i for i in range(bounds.slots) if i not in taken]
            self._submit(free[: int(min(missing, most * bounds.together))])

    def clear(self, kept: Collection[str]) -> None:
        """Delete the files of slots that have ended, but for those whose names are given.

        What slots that ended out of order have said goes to the folder of logs.
        """
        for asked in list(self._asked):
            batch = asked.batch
            lives = self._lives(batch)
            if not asked.over() or any(s in kept or not self.gone(s) for s in lives):
                continue
            ends = [Presence.of(self._folder, slot) for slot in lives]
            if not asked.refused and any(p is None or p.state != "ended" for p in ends):
                self._trouble.keep_log(batch)
            if batch.files.exists():
                shutil.rmtree(batch.files)
            batch.delete()
            self._asked.remove(asked)
        asked_for = {slot for asked in self._asked for slot in self._lives(asked.batch)}
        for slot in self._gone - asked_for - set(kept):
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
        for slot in self.living:
            presence.retirement(self._folder, slot).touch()
        while True:
            self.look()
            slots = [Presence.of(self._folder, slot) for slot in (*self.living, *self.ending)]
            handles = [
                handle
                for asked in self._asked
                for handle in (asked.handles or {}).values()
                if self._place.active(handle)
            ]
            if not slots and not handles:
                break
            patience = self._place.bounds.patience - (time.monotonic() - began)
            present = [seen for seen in slots if seen is not None]
            if patience < -self._place.bounds.patience:
                raise SlotError(f"cannot be ended: {[str(seen.identity) for seen in present]}")
            self._place.end(handles, present, kill=patience <= 0)
            time.sleep(0.1)
        self.clear(kept=())

    def settle(self) -> None:
        """Wait until what is being submitted is submitted."""
        for asked in self._asked:
            asked.wait()

    def _alive(self, seen: Presence, present: dict[str, Presence]) -> bool:
        """Whether it may take trials; a task that Slurm has started again is another slot."""
        mine = seen.identity
        newer = (
            other.identity.job == mine.job and other.identity.restart > mine.restart
            for other in present.values()
        )
        return self._place.alive(seen) and not (mine.job and any(newer))

    def _hear(self, asked: Asked) -> None:
        news = asked.hear()
        if news == "refused":
            self._trouble.refused(asked.batch, asked.refused)
        elif news == "failed":
            self._trouble.failed(asked.batch)
        elif news == "accepted":
            self._trouble.accepted()

    def _lives(self, batch: Batch) -> set[str]:
        """Names of the batch's slots, and of what became of them after requeues."""
        slots = set(batch.slots)
        seen = {p.slot for p in presence.slots(self._folder)} | self._gone
        return slots | {slot for slot in seen if presence.asked_for(slot) in slots}

    def _handle(self, slot: str) -> Handle | None:
        wanted = presence.asked_for(slot)
        known = [asked.handles for asked in self._asked if asked.handles is not None]
        return next((handles[wanted] for handles in known if wanted in handles), None)

    def _bury(self, slot: str) -> None:
        seen, handle = Presence.of(self._folder, slot), self._handle(slot)
        batches = [a.batch for a in self._asked if presence.asked_for(slot) in a.batch.slots]
        self._gone.add(slot)
        state = self._place.state(handle, seen)
        if seen is None:
            failed = state not in NOT_THEIRS
        else:
            failed = seen.state == "failed" or (seen.state == "starting" and state in THEIRS)
        if failed:
            self._trouble.failed(*batches)
        started, ended = self._place.life(handle, seen)
        self.ended.append(
            SlotUse(
                slot=slot,
                job=seen.identity.job if seen else (handle or {}).get("job", ""),
                host=seen.identity.host if seen else "",
                devices=self._devices,
                submitted=batches[0].time if batches else started,
                started=started,
                ended=ended,
                state=state,
            )
        )

    def _submit(self, indices: list[int]) -> None:
        check_room(self._folder.root)  # on a full disk slots would fail to start, one by one
        self._batches += 1
        number = f"{self._epoch:06d}-{self._batches:03d}"
        search = hashlib.sha256(str(self._folder.root.resolve()).encode()).hexdigest()[:8]
        slots = [f"{number}-{index}" for index in indices]
        together = self._place.bounds.together
        tasks = tuple(tuple(slots[i : i + together]) for i in range(0, len(slots), together))
        batch = Batch.new(self._folder, f"nas-{search}-{number}", tasks)
        asked = Asked(batch, self._place)
        asked.submit()
        self._asked.append(asked)
        self.starting |= set(slots)
        self._short_since = None
