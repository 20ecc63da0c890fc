"""Who writes: sessions numbered by an epoch, and what each takes over from the one before.

A session is one JSON file, ``sessions/<epoch>.json``. It comes about in two steps:

1. The file is created exclusively. From this instant every older session is *fenced*: a writer
   looks here before it gives a file its name, and again before it calls the file recorded.
2. The new session looks at what older ones have left and notes it in its file: how many segments
   and which checkpoint it takes over, and from whose view (its *parent*). A late file of an older
   session beyond that counts for nothing, for ever.

The order is what makes both promises hold. Whatever was called recorded had its name before step
1, so that step 2 finds it. Whatever a stalled writer renames later was never called recorded; step
2 either includes it (a whole segment, which may just as well count) or cuts it off. A session that
ends between the two steps has taken over nothing and is in nobody's ancestry.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nas_hpc.store.durable import create_json, list_anew, write_json
from nas_hpc.store.folder import RunFolder
from nas_hpc.store.identity import Identity


class Superseded(RuntimeError):
    """Another session writes now; this one must end without writing anything more.

    Attributes:
        epoch: of the session that was superseded.
        by: the newest epoch.
    """

    def __init__(self, epoch: int, by: int) -> None:
        newer = f"superseded by session {by}" if by > epoch else "claimed by another process first"
        super().__init__(f"session {epoch} was {newer}")
        self.epoch = epoch
        self.by = by


@dataclass(frozen=True)
class Inheritance:
    """What a session has taken over.

    Attributes:
        parent: epoch of the session whose view it took over; 0 for none.
        segments: sequence number of the last segment taken over; 0 for none.
        ticket: of the checkpoint that it starts from; 0 for none.
    """

    parent: int
    segments: int
    ticket: int


@dataclass(frozen=True)
class Session:
    """One writer of a run folder.

    Attributes:
        epoch: from 1; the highest one may write.
        identity: its process.
        run: absolute path of the run folder when it was claimed; another one tells a copy.
        started: seconds since 1970.
        experiment: digest of the configuration.
        inherits: None while it is being claimed, or if it ended during that.
    """

    epoch: int
    identity: Identity
    run: str
    started: float
    experiment: str
    inherits: Inheritance | None = None


@dataclass(frozen=True)
class Lineage:
    """Which files of which session count, by the newest session that has taken over.

    Attributes:
        newest: epoch of that session; 0 for none.
        inherited: sequence number of the last segment that it took over, so that must be there.
        segments, tickets: by epoch of that session and its ancestors, the last sequence number
            and the last checkpoint of theirs that count; infinity for the newest.
    """

    newest: int
    inherited: int
    segments: dict[int, float]
    tickets: dict[int, float]

    def counts(self, epoch: int, last: int) -> bool:
        """Whether a file of segments up to ``last``, written by ``epoch``, counts."""
        return last <= self.segments.get(epoch, -1)

    def counts_checkpoint(self, epoch: int, ticket: int) -> bool:
        """Whether the checkpoint after ``ticket``, written by ``epoch``, counts."""
        return ticket <= self.tickets.get(epoch, -1)


def sessions(folder: RunFolder) -> list[Session]:
    """All sessions that there have been, by epoch."""
    return [_read(folder, epoch) for epoch in _epochs(folder)]


def current_session(folder: RunFolder) -> Session | None:
    """The session with the highest epoch, claimed completely or not; None before the first."""
    epochs = _epochs(folder)
    return _read(folder, epochs[-1]) if epochs else None


def check_current(folder: RunFolder, epoch: int) -> None:
    """Raise `Superseded` if there is a newer session than ``epoch``."""
    newest = max(_epochs(folder), default=0)
    if newest > epoch:
        raise Superseded(epoch, newest)


@contextmanager
def guarded(folder: RunFolder, epoch: int) -> Iterator[Callable[[], None]]:
    """Write a file as this session: gives the check to make before its rename, makes that after it.

    Raises:
        Superseded: there is a newer session, so that what was written may count or not.
    """

    def check() -> None:
        check_current(folder, epoch)

    try:
        yield check
    except OSError:
        check()  # the newer session may have cleaned up what this one was writing
        raise
    list_anew(folder.sessions)  # what follows cannot be undone
    check()


def fence(folder: RunFolder, identity: Identity, experiment_digest: str) -> Session:
    """Step 1: create the next session.

    Raises:
        Superseded: another process created the same one first.
    """
    session = Session(
        epoch=max(_epochs(folder), default=0) + 1,
        identity=identity,
        run=str(folder.root.resolve()),
        started=time.time(),
        experiment=experiment_digest,
    )
    try:
        create_json(_path(folder, session.epoch), asdict(session))
    except FileExistsError:
        raise Superseded(session.epoch, session.epoch) from None
    return session


def inherit(folder: RunFolder, session: Session, inherits: Inheritance) -> Session:
    """Step 2: note what the session takes over."""
    session = replace(session, inherits=inherits)
    write_json(_path(folder, session.epoch), asdict(session))
    return session


def lineage(folder: RunFolder) -> Lineage:
    """What counts now. To judge a listing of files, call this after the listing.

    A file of a session is only there after the session took over, so a listing never holds a file
    of a session that a later look at the sessions does not know.
    """
    known = {s.epoch: s.inherits for s in sessions(folder) if s.inherits}
    newest = epoch = max(known, default=0)
    segments: dict[int, float] = {}
    tickets: dict[int, float] = {}
    last_segment = last_ticket = math.inf
    while epoch:
        segments[epoch], tickets[epoch] = last_segment, last_ticket
        last_segment = min(last_segment, known[epoch].segments)
        last_ticket = min(last_ticket, known[epoch].ticket)
        epoch = known[epoch].parent
    inherited = known[newest].segments if newest else 0
    return Lineage(newest, inherited, segments, tickets)


def _epochs(folder: RunFolder) -> list[int]:
    names = folder.sessions.glob("[0-9]*.json")
    return sorted(int(path.stem) for path in names)


def _path(folder: RunFolder, epoch: int) -> Path:
    return folder.sessions / f"{epoch:06d}.json"


def _read(folder: RunFolder, epoch: int) -> Session:
    data: dict[str, Any] = json.loads(_path(folder, epoch).read_text())
    inherits = data["inherits"] and Inheritance(**data["inherits"])
    return Session(**(data | {"identity": Identity(**data["identity"]), "inherits": inherits}))
