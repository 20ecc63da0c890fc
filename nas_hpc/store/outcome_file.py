"""The file in which a child leaves the outcome of its trial: a segment with a single row."""

from __future__ import annotations

from pathlib import Path

from nas_hpc.store.hdf5 import DamagedFile
from nas_hpc.store.records import Outcome
from nas_hpc.store.rows import read_records, write_records


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Write the outcome of one trial durably.

    Raises:
        OSError: the disk is full, say; nothing is left behind.
        TypeError: the metrics are not JSON.
    """
    write_records(path, [outcome])


def read_outcome(path: Path) -> Outcome:
    """The outcome of one trial.

    Raises:
        FileNotFoundError: it is not there.
        DamagedFile: it cannot be read, or does not hold exactly one outcome.
    """
    outcomes = read_records(path).outcomes
    if len(outcomes) != 1:
        raise DamagedFile(path, f"it holds {len(outcomes)} outcomes, not one")
    return outcomes[0]
