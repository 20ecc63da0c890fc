"""Whether somebody else's process still runs, be it in a Slurm job on another machine."""

from __future__ import annotations

from nas_hpc.cluster import jobs
from nas_hpc.cluster.jobs import NoAnswer, Snapshot
from nas_hpc.cluster.presence import Presence, slots
from nas_hpc.store import Identity, RunFolder

LATE_SECONDS = 600.0
"""The accounting knows of a job that has been there for so long."""


def living_slots(folder: RunFolder) -> list[Presence]:
    """The slots of a search that may take trials, whoever started them.

    Raises:
        NoAnswer: some run in Slurm, which does not answer.
    """
    willing = [seen for seen in slots(folder) if seen.state in ("starting", "ready")]
    if not any(seen.identity.job for seen in willing):
        return [seen for seen in willing if seen.alive]
    snapshot = jobs.ask()
    return [
        seen
        for seen in willing
        if (_runs(seen.identity, seen.started, snapshot) if seen.identity.job else seen.alive)
    ]


def is_alive(identity: Identity, since: float) -> bool:
    """Whether a process that was there at a time still runs, on this machine or in a Slurm job.

    Args:
        identity: of the process.
        since: seconds since 1970.

    Raises:
        NoAnswer: it is in a Slurm job on another machine, and Slurm does not answer.
        LookupError: it is on another machine, and in no Slurm job.
    """
    if identity.here():
        return identity.alive()
    if not identity.job:
        raise LookupError(f"{identity} cannot be seen from here")
    mine = Identity.mine()
    if identity.job == mine.job:  # another node of our own job, or what it was before a requeue
        return identity.restart == mine.restart
    return _runs(identity, since, jobs.ask())


def _runs(identity: Identity, since: float, snapshot: Snapshot) -> bool:
    job = snapshot.jobs.get(identity.job)
    if job is None and not snapshot.complete and snapshot.asked - since < LATE_SECONDS:
        raise NoAnswer(f"sacct does not know job {identity.job} yet")
    return job is not None and job.active and not job.waiting
