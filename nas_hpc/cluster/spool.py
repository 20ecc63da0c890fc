"""The spool: trials as files that move from ``queue/`` to ``claims/`` and end in ``outcomes/``.

=============================================  =====================================================
``queue/<trial>.json``                         waits for a slot
``claims/<trial>--<attempt>--<slot>.json``     a slot took it, by renaming the file
``outcomes/<trial>.h5``                        how it ended; renamed into place
``trials/.../<trial>/attempt-<attempt>``       this attempt was started, whatever became of it
=============================================  =====================================================

A rename has one winner, so no two slots get one trial. Trials move in the order above, so whoever
lists the folders in this order misses none that move meanwhile; only `release`, by a slot that
ends, goes back. `acknowledge` and `forget` delete the claim before the outcome: a claim without an
outcome has not ended, and an outcome is there until all else is gone, so that a deletion that was
interrupted is repeated.

Files of queue and claims are not synchronised with the disk: after a crash of the machine they are
written again from the store. Those that the crash damaged are dropped by `recover`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_hpc.cluster.executor import TrialSpec
from nas_hpc.store import Outcome, RunFolder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Claim:
    """One attempt at a trial by a slot; its fields are the name of its file."""

    trial: int
    attempt: int
    slot: str

    @classmethod
    def of(cls, name: str) -> Claim:
        """The claim whose file has this name."""
        trial, attempt, slot = name.removesuffix(".json").split("--")
        return cls(int(trial), int(attempt), slot)

    def path(self, folder: RunFolder) -> Path:
        """Its file, which holds the trial: number, key, arguments and tokens."""
        return folder.claims / f"{self.trial:09d}--{self.attempt}--{self.slot}.json"

    def alone(self, folder: RunFolder) -> bool:
        """Whether it is to be trained without neighbours."""
        return bool(json.loads(self.path(folder).read_text()).get("alone"))


def replace_json(path: Path, data: Any) -> None:
    """Write JSON data so that readers see all of it; durable only while the machine runs."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(data))
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def enqueue(folder: RunFolder, spec: TrialSpec) -> None:
    """Let a trial wait for a slot."""
    data = {
        "trial": spec.trial,
        "key": spec.key,
        "arguments": dict(spec.arguments),
        "tokens": [list(pair) for pair in spec.tokens],
        "alone": spec.alone,
    }
    replace_json(_queued_path(folder, spec.trial), data)


def claim(folder: RunFolder, slot: str) -> Claim | None:
    """Take the waiting trial of the lowest number; None if there is none.

    The attempt's marker is created exclusively, after the rename. A slot that ends in between has
    started nothing; whoever finds it gone marks the attempt for it (`mark_attempt`).

    Raises:
        OSError: the disk is full, say; the trial waits again.
    """
    for trial in queued(folder):
        taken = Claim(trial, attempts(folder, trial) + 1, slot)
        try:
            _queued_path(folder, trial).rename(taken.path(folder))
        except FileNotFoundError:
            continue  # another slot was first
        try:
            while not mark_attempt(folder, taken):
                following = Claim(trial, taken.attempt + 1, slot)
                taken.path(folder).rename(following.path(folder))
                taken = following
        except OSError:
            taken.path(folder).rename(_queued_path(folder, trial))
            raise
        return taken
    return None


def release(folder: RunFolder, taken: Claim) -> None:
    """Let a claimed trial wait again, as if the attempt had not been made."""
    (folder.trial(taken.trial) / f"attempt-{taken.attempt}").unlink(missing_ok=True)
    taken.path(folder).rename(_queued_path(folder, taken.trial))


def mark_attempt(folder: RunFolder, taken: Claim) -> bool:
    """Count an attempt for good; False if that number is taken."""
    working = folder.trial(taken.trial)
    working.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        (working / f"attempt-{taken.attempt}").touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True


def attempts(folder: RunFolder, trial: int) -> int:
    """The highest attempt that was marked; 0 before the first."""
    marks = folder.trial(trial).glob("attempt-*")
    return max((int(mark.name.removeprefix("attempt-")) for mark in marks), default=0)


def attempted(folder: RunFolder, taken: Claim) -> float | None:
    """When the attempt was marked, seconds since 1970; None if it was not, or is recorded."""
    try:
        return (folder.trial(taken.trial) / f"attempt-{taken.attempt}").stat().st_mtime
    except FileNotFoundError:
        return None


def queued(folder: RunFolder) -> list[int]:
    """Waiting trials, the lowest number first."""
    return sorted(int(name[:-5]) for name in _listed(folder.queue, ".json"))


def claims(folder: RunFolder) -> list[Claim]:
    """Claimed trials, the lowest number first; some may have ended."""
    return sorted(Claim.of(name) for name in _listed(folder.claims, ".json"))


def outcomes(folder: RunFolder) -> set[int]:
    """Trials that have ended and are not yet acknowledged."""
    return {int(name[:-3]) for name in _listed(folder.outcomes, ".h5")}


def outcome_path(folder: RunFolder, trial: int) -> Path:
    """Where a trial's outcome is put."""
    return folder.outcomes / f"{trial:09d}.h5"


def has_ended(folder: RunFolder, taken: Claim) -> bool:
    """Whether the attempt has an outcome, one that was acknowledged in the meantime included."""
    return outcome_path(folder, taken.trial).exists() or not taken.path(folder).exists()


def recover(folder: RunFolder) -> set[int]:
    """Trials that wait, are claimed or have ended; waiting ones that are damaged are dropped."""
    found = set()
    for trial in queued(folder):
        path = _queued_path(folder, trial)
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            pass  # claimed just now
        except ValueError:
            path.unlink()
            continue
        found.add(trial)
    found |= {taken.trial for taken in claims(folder)}
    # Once more: a slot that ends may have put a claimed trial back between the two listings.
    return found | set(queued(folder)) | outcomes(folder)


def acknowledge(folder: RunFolder, recorded: Iterable[Outcome], read: Collection[int]) -> None:
    """Delete the files of attempts that are recorded; see `Executor.acknowledge`.

    Outcomes of the trials in ``read`` were read from their files. Others were judged; should there
    be a file now, it came late and nobody has read it.
    """
    claimed = claims(folder)
    for outcome in recorded:
        if outcome.answers:
            forget(folder, outcome.trial, keep_log=outcome.status != "ok", claimed=claimed)
            continue
        for taken in claimed:
            if (taken.trial, taken.attempt) == (outcome.trial, outcome.attempt):
                taken.path(folder).unlink(missing_ok=True)
        if outcome.trial in read:
            outcome_path(folder, outcome.trial).unlink(missing_ok=True)


def forget(
    folder: RunFolder, trial: int, keep_log: bool, claimed: Iterable[Claim] | None = None
) -> None:
    """Delete all files of a trial, or all but its log."""
    try:
        _delete_working(folder.trial(trial), keep_log)
    except OSError as error:  # a helper that the child left behind still writes there, say
        logger.warning("files of trial %d stay: %s", trial, error)
    _queued_path(folder, trial).unlink(missing_ok=True)
    for taken in claims(folder) if claimed is None else claimed:
        if taken.trial == trial:
            taken.path(folder).unlink(missing_ok=True)
    outcome_path(folder, trial).unlink(missing_ok=True)


def stop_request(folder: RunFolder) -> str:
    """How the search was asked to end: ``drain``, ``now``, or empty if it was not."""
    try:
        return folder.stop.read_text().strip()
    except FileNotFoundError:
        return ""


def _delete_working(working: Path, keep_log: bool) -> None:
    if not working.exists():
        return
    if not keep_log:
        shutil.rmtree(working)
        return
    for entry in working.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "log.txt":
            entry.unlink()


def _queued_path(folder: RunFolder, trial: int) -> Path:
    return folder.queue / f"{trial:09d}.json"


def _listed(folder: Path, suffix: str) -> list[str]:
    """Names of whole files; those still being written begin with a dot."""
    return [n for n in os.listdir(folder) if n.endswith(suffix) and not n.startswith(".")]
