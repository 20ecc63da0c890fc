"""Who may write to a run: one process at a time, and the next one only when it is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nas_hpc.cluster import NoAnswer, is_alive
from nas_hpc.experiment import Experiment
from nas_hpc.spaces import digest
from nas_hpc.store import Identity, RunFolder, Session, current_session

NEAR_SECONDS, FAR_SECONDS = 0.5, 15.0
"""Between two looks at a writer on this machine, and between two questions to Slurm."""


class Refused(RuntimeError):
    """The run belongs to somebody else; the message names host, job and user."""


@dataclass(frozen=True)
class Claim:
    """What a process says of itself before it may follow or succeed the writer of a run."""

    experiment: str
    """Digest of the configuration."""

    run: str
    """Absolute path of the run's folder."""

    identity: Identity

    @classmethod
    def of(cls, experiment: Experiment, folder: RunFolder) -> Claim:
        """The claim of this process."""
        return cls(
            experiment=digest(experiment.model_dump(mode="json")),
            run=str(folder.root.resolve()),
            identity=Identity.mine(),
        )


def living_writer(folder: RunFolder) -> Session | None:
    """The session whose writer still runs; None if the run is free.

    Raises:
        Refused: whether it still runs cannot be told from here.
        NoAnswer: Slurm, which knows, does not answer.
    """
    session = current_session(folder)
    if session is None:
        return None
    try:
        return session if is_alive(session.identity, session.started) else None
    except LookupError:
        raise Refused(
            f"{folder.root} was last written by {session.identity}; whether it still runs cannot "
            f"be told from here: start the search there"
        ) from None


def awaited_writer(folder: RunFolder, say: Callable[[str], None]) -> Session | None:
    """The same, once Slurm answers."""
    said = False
    while True:
        try:
            return living_writer(folder)
        except NoAnswer as silence:
            if not said:
                say(f"waiting for Slurm to say whether the last writer still runs: {silence}")
            said = True
            time.sleep(FAR_SECONDS)


def follow(folder: RunFolder, claim: Claim, say: Callable[[str], None]) -> bool:
    """Return when the run is free; wait while the same search is alive, as if it were ours.

    Returns:
        Whether there was anybody to wait for.

    Raises:
        Refused: it is alive with another user, configuration or folder.
    """
    said = False
    while (session := awaited_writer(folder, say)) is not None:
        for what, theirs, ours in (
            ("user", session.identity.user, claim.identity.user),
            ("folder", session.run, claim.run),
            ("configuration", session.experiment[:12], claim.experiment[:12]),
        ):
            if theirs != ours:
                raise Refused(
                    f"{folder.root} is being written by {session.identity}, "
                    f"with another {what}: {theirs}, not {ours}"
                )
        if not said:
            say(f"following the search that already runs: {session.identity}")
            said = True
        time.sleep(NEAR_SECONDS if session.identity.here() else FAR_SECONDS)
    return said
