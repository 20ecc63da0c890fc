"""The slots of a search: which live, which are starting; more of them, fewer of them."""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from collections.abc import Collection

from nas_hpc.cluster import presence
from nas_hpc.cluster.asked import Asked
from nas_hpc.cluster.batch import Batch, batches_of
from nas_hpc.cluster.executor import SlotError
from nas_hpc.cluster.place import Handle, Place
from nas_hpc.cluster.presence import Presence
from nas_hpc.cluster.trouble import OUT_OF_MEMORY, Trouble, could_not_start
from nas_hpc.store import RunFolder, SlotUse, check_room

SHORTEST_PAUSE = 0.1
"""Seconds between the first two looks at slots that are told to end; doubled each time."""


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
        self._asked = [Asked(batch, place) for batch in batches_of(folder)]
        self._batches = 0
        self._seen: dict[str, Presence] = {}
        self._names: dict[str, set[str]] = {}
        self._gone: dict[str, bool] = {}
        self._trouble = Trouble(folder)
        self._short_since: float | None = None
        self._ready: set[str] = set()
        self.living: dict[str, Presence] = {}
        self.starting: set[str] = set()
        self.ending: set[str] = set()
        self.ended: list[SlotUse] = []
        self.look()

    def look(self) -> None:
        """See which slots live, and which are on their way in or out."""
        self._see()
        for asked in self._asked:
            self._hear(asked)
        self._seen = {seen.slot: seen for seen in presence.slots(self._folder)}
        self._names = presence.by_name_asked_for([*self._seen, *self._gone])
        latest = presence.latest_restarts(self._seen.values())
        self.living, self.ending = {}, set()
        for slot, seen in self._seen.items():
            # A task that Slurm has started again is another slot.
            superseded = seen.identity.restart < latest.get(seen.identity.job, 0)
            if slot in self._gone:
                continue
            if self._place.alive(seen) and not superseded:
                self.living[slot] = seen
            elif self._place.gone(seen, superseded):
                self._bury(slot)
            else:
                self.ending.add(slot)
        ready = {slot for slot, seen in self.living.items() if seen.state == "ready"}
        if ready - self._ready:
            self._trouble.over()
        self._ready = ready
        self.starting = set()
        for asked in self._asked:
            for slot in asked.batch.slots:
                self._await(slot, asked)

    def gone(self, slot: str) -> bool:
        """Whether nothing more can come of the slot's claims, as of now."""
        if slot in self._gone:
            return True
        if slot in self.living or slot in self.ending:
            return False
        # It has made itself known since the last look, or never will.
        seen = Presence.of(self._folder, slot)
        if seen is None:
            return presence.asked_for(slot) not in self.starting
        return self._place.gone(seen, superseded=False)

    def why(self, slot: str) -> str:
        """How a slot that is gone has ended."""
        return self._state(slot)

    def ended_at(self, slot: str) -> float:
        """When a slot that is gone has ended, seconds since 1970."""
        return self._place.life(self._handle(slot), self._seen.get(slot))[1]

    def keep(self, wanted: int) -> None:
        """See to it that there are so many slots, but no more than there may be.

        Raises:
            SlotError: several in a row could not start, and there is none to go on with.
        """
        bounds = self._place.bounds
        there = self.living.keys() | self.starting
        self._reduce(len(there) - bounds.slots)
        missing = min(wanted, bounds.slots) - len(there | self.ending)
        now = time.monotonic()
        if missing <= 0:
            self._short_since = None
            return
        self._short_since = now if self._short_since is None else self._short_since
        if any(asked.submitting for asked in self._asked):
            return
        if self._trouble.hopeless and not self._ready:
            raise self._trouble.error()
        if self._trouble.waits:
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
            if not asked.refused and any(not self._gone.get(slot) for slot in lives):
                self._trouble.keep_log(batch)
            for slot in lives:
                self._forget(slot)
            if batch.files.exists():
                shutil.rmtree(batch.files)
            batch.delete()
            self._asked.remove(asked)
        asked_for = {slot for asked in self._asked for slot in self._lives(asked.batch)}
        for slot in self._gone.keys() - asked_for - set(kept):
            self._forget(slot)

    def end(self) -> None:
        """End all slots; they and their children have ended on return.

        Raises:
            SlotError: some cannot be ended.
        """
        self._settle()
        began, pause = time.monotonic(), SHORTEST_PAUSE
        while True:
            self.look()
            for slot in self.living:
                presence.retirement(self._folder, slot).touch()
            present = [self._seen[slot] for slot in (*self.living, *self.ending)]
            handles = [
                handle
                for asked in self._asked
                for handle in (asked.handles or {}).values()
                if self._place.active(handle)
            ]
            if not present and not handles:
                break
            patience = self._place.bounds.patience - (time.monotonic() - began)
            if patience < -self._place.bounds.patience:
                raise SlotError(f"cannot be ended: {[str(seen.identity) for seen in present]}")
            self._place.end(handles, present, kill=patience <= 0)
            time.sleep(pause)
            pause = min(2 * pause, self._place.bounds.census_seconds)
        self.clear(kept=())
        self._place.see(())

    def leave(self) -> None:
        """Let the slots go on by themselves, as soon as what is being submitted is submitted."""
        self._settle()
        self._place.see(())

    def _settle(self) -> None:
        for asked in self._asked:
            asked.wait()

    def _await(self, slot: str, asked: Asked) -> None:
        """Count a slot that was asked for as starting, if it, or its next life, may yet appear."""
        lives = self._names.get(slot, set())
        if any(life in self.living or self._gone.get(life) for life in lives):
            return
        if asked.pending(slot):
            self.starting.add(slot)
        elif asked.handles is not None and not lives:
            self._bury(slot)

    def _reduce(self, surplus: int) -> None:
        """Have so many slots fewer: first those that wait in a queue, then those that live."""
        waiting = sorted(self.starting)[: max(0, surplus)] if self._place.bounds.queues else []
        handles = [handle for slot in waiting if (handle := self._handle(slot))]
        if handles:
            self._place.end(handles, [], kill=False)
        by_index = sorted(self.living, key=presence.index, reverse=True)
        for slot in by_index[: max(0, surplus - len(waiting))]:
            presence.retirement(self._folder, slot).touch()

    def _forget(self, slot: str) -> None:
        (self._folder.slots / f"{slot}.json").unlink(missing_ok=True)
        presence.retirement(self._folder, slot).unlink(missing_ok=True)
        self._gone.pop(slot, None)

    def _see(self) -> None:
        self._place.see([asked.batch for asked in self._asked])

    def _hear(self, asked: Asked) -> None:
        news = asked.hear()
        if news in ("refused", "in doubt"):
            self._trouble.refused(asked.batch, asked.said)
        elif news == "failed":
            self._trouble.failed(asked.batch)
        elif news == "accepted":
            self._trouble.accepted()

    def _lives(self, batch: Batch) -> set[str]:
        """Names of the batch's slots, and of what became of them after requeues."""
        return set(batch.slots).union(*(self._names.get(slot, ()) for slot in batch.slots))

    def _handle(self, slot: str) -> Handle | None:
        wanted = presence.asked_for(slot)
        known = [asked.handles for asked in self._asked if asked.handles is not None]
        return next((handles[wanted] for handles in known if wanted in handles), None)

    def _batches_of(self, slot: str) -> list[Asked]:
        return [a for a in self._asked if presence.asked_for(slot) in a.batch.slots]

    def _state(self, slot: str) -> str:
        state = self._place.state(self._handle(slot), self._seen.get(slot))
        failed = state == "FAILED"  # also where Slurm itself ended a task that took too much
        memory = failed and any(asked.lacked_memory(slot) for asked in self._batches_of(slot))
        return OUT_OF_MEMORY if memory else state

    def _bury(self, slot: str) -> None:
        seen, handle = self._seen.get(slot), self._handle(slot)
        asked = self._batches_of(slot)
        in_order = seen is not None and seen.state == "ended"
        self._gone[slot] = in_order or (seen is not None and seen.state == "failed")
        if not self._gone[slot] and seen is not None:
            # Should it live after all, on a node that nothing is heard of, it takes nothing more.
            presence.retirement(self._folder, slot).touch()
        state = self._state(slot)
        # Those of earlier sessions may have been seen to.
        if could_not_start(seen, state) and all(a.ours for a in asked):
            self._trouble.failed(*(a.batch for a in asked))
        submitted = asked[0].batch.time if asked else -math.inf
        started, ended = self._place.life(handle, seen)
        started = max(started, submitted)  # Slurm tells whole seconds
        self.ended.append(
            SlotUse(
                slot=slot,
                job=seen.identity.job if seen else (handle or {}).get("job", ""),
                host=seen.identity.host if seen else "",
                devices=self._devices,
                submitted=submitted if asked else started,
                started=started,
                ended=ended if math.isnan(started) else max(started, ended),
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
        name = f"nas-{search}-{number}"
        batch = Batch.new(self._folder, name, tasks, self._place.name)
        asked = Asked(batch, self._place)
        self._asked.append(asked)
        self._see()  # before it is there: whoever does not look for it takes it for gone
        asked.submit()
        self.starting |= set(slots)
        self._short_since = None
