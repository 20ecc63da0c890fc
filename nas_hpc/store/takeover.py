"""Becoming the one writer of a run folder."""

from __future__ import annotations

from nas_hpc.store.checkpoints import load_checkpoint
from nas_hpc.store.durable import list_anew
from nas_hpc.store.folder import RunFolder
from nas_hpc.store.identity import Identity
from nas_hpc.store.lock import Inheritance, Session, fence, inherit
from nas_hpc.store.reader import current_view


def claim_session(folder: RunFolder, identity: Identity, experiment_digest: str) -> Session:
    """Become the writer; whoever was it before is superseded from now on.

    Whether the one before has ended is the caller's to find out. Read the search and load the
    checkpoint after this, not before: only then can nobody add to them any more.

    Args:
        folder: of the search, created.
        identity: of the process that will write.
        experiment_digest: of the configuration, kept with the session.

    Raises:
        Superseded: another process claimed the session at the same time.
        DamagedFile: segments are missing.
        OSError: the disk is full, say.
    """
    session = fence(folder, identity, experiment_digest)
    list_anew(folder.segments)
    list_anew(folder.checkpoints)
    files, ancestry = current_view(folder)
    checkpoint = load_checkpoint(folder)
    inherits = Inheritance(
        parent=ancestry.newest,
        segments=files[-1].last if files else 0,
        ticket=checkpoint.ticket if checkpoint else 0,
    )
    session = inherit(folder, session, inherits)
    for place in (folder.segments, folder.checkpoints):
        for leftover in place.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    return session
