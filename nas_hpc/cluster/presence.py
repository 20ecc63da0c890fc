"""What a slot says of itself, so that others can tell whether it and its child still run."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nas_hpc.cluster.spool import replace_json
from nas_hpc.store import Identity, RunFolder

State = Literal["starting", "ready", "ended", "failed"]
"""``starting``: its child has never been ready; ``ended``: it ended in order, holding no claim;
``failed``: it ended because its child could not start."""


@dataclass(frozen=True)
class Presence:
    """The file of a slot, ``slots/<slot>.json``, written before the slot takes any trial.

    Attributes:
        slot: its name, which ends in ``-<index>``.
        identity: its process.
        child: its child's process; named here before the child is given any trial.
        state: see `State`.
        started, ended: seconds since 1970; ``ended`` is NaN before.
    """

    slot: str
    identity: Identity
    child: Identity | None
    state: State
    started: float = math.nan
    ended: float = math.nan

    @property
    def alive(self) -> bool:
        """Whether it may take trials."""
        return self.state in ("starting", "ready") and self.identity.alive()

    @property
    def gone(self) -> bool:
        """Whether neither it nor its child runs: nothing more can come of its claims."""
        return not self.identity.alive() and not (self.child and self.child.alive())

    def announce(self, folder: RunFolder) -> None:
        """Write the file, in place of an earlier one."""
        data = {
            "run": str(folder.root.resolve()),
            "identity": self.identity.json(),
            "child": self.child and self.child.json(),
            "state": self.state,
            "started": self.started,
            "ended": self.ended,
        }
        replace_json(folder.slots / f"{self.slot}.json", data)

    @classmethod
    def of(cls, folder: RunFolder, slot: str) -> Presence | None:
        """What the slot says; None if it says nothing that holds.

        Files appear whole, so one that is damaged is from before a crash of the machine. One that
        names another folder was copied here, from a search that is none of ours.
        """
        try:
            data = json.loads((folder.slots / f"{slot}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        if data["run"] != str(folder.root.resolve()):
            return None
        child = data["child"] and Identity(**data["child"])
        identity, times = Identity(**data["identity"]), (data["started"], data["ended"])
        return cls(slot, identity, child, data["state"], *times)


def slots(folder: RunFolder) -> Iterator[Presence]:
    """All slots that have a file."""
    for path in sorted(folder.slots.glob("[!.]*.json")):
        presence = Presence.of(folder, path.stem)
        if presence is not None:
            yield presence


def retirement(folder: RunFolder, slot: str) -> Path:
    """If this file exists, the slot takes no further trial."""
    return folder.slots / f"{slot}.retire"


def incarnation(slot: str, restart: int) -> str:
    """The name under which a slot lives after so many requeues of its task."""
    head, _, number = slot.rpartition("-")
    return f"{head}.{restart}-{number}" if restart else slot


def asked_for(slot: str) -> str:
    """The name under which a slot was asked for."""
    head, _, number = slot.rpartition("-")
    return f"{head.partition('.')[0]}-{number}"


def index(slot: str) -> int:
    """The slot's index, which decides its GPU."""
    return int(slot.rpartition("-")[2])


def by_name_asked_for(slots: Collection[str]) -> dict[str, set[str]]:
    """The names under which each slot that was asked for has lived."""
    names: dict[str, set[str]] = {}
    for slot in slots:
        names.setdefault(asked_for(slot), set()).add(slot)
    return names


def latest_restarts(seen: Collection[Presence]) -> dict[str, int]:
    """How often Slurm has started each job again, as far as its slots have said."""
    latest: dict[str, int] = {}
    for each in seen:
        mine = each.identity
        if mine.job:
            latest[mine.job] = max(mine.restart, latest.get(mine.job, 0))
    return latest
