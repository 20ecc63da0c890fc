"""The faults that there are, and the table of how searches went through them."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from tests.slurm.faults import (
    answers,
    daemons,
    limits,
    moods,
    processes,
    rivals,
    room,
    tasks,
    workflow,
)
from tests.slurm.faults.fault import Fault
from tests.slurm.faults.promises import Row

FAULTS: tuple[Fault, ...] = (
    *workflow.FAULTS,
    *processes.FAULTS,
    *answers.FAULTS,
    *tasks.FAULTS,
    *daemons.FAULTS,
    *limits.FAULTS,
    *moods.FAULTS,
    *room.FAULTS,
    *rivals.FAULTS,
)

HEADERS = (
    "fault",
    "seed",
    "rewards\nat the fault",
    "lost",
    "trained\nagain",
    "epochs\nrepeated",
    "trials\n/ asked",
    "reader\nfailures",
    "seconds",
    "what log or store say",
)


def written(rows: Sequence[Row]) -> str:
    """The table, and the promises that were broken."""
    lines = [
        (
            row.fault,
            row.seed,
            row.acknowledged,
            row.lost,
            row.again,
            row.repeated,
            f"{row.trials} / {row.asked}",
            row.reader_failures,
            f"{row.seconds:.0f}",
            row.told[:100] or "-",
        )
        for row in rows
    ]
    broken = [
        f"BROKEN: {row.fault}, seed {row.seed}: {text}" for row in rows for text in row.broken
    ]
    return "\n".join([tabulate(lines, HEADERS, disable_numparse=True), *broken])
