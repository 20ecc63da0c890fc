"""What a strategy has cost, as JSON data, and beside it what Slurm has accounted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.cluster.sacct import accounted
from nas_hpc.report.ledger import Ledger


def cost_of(ledger: Ledger) -> dict[str, Any]:
    """The ledger; times in seconds and device-seconds. ``slurm`` is None of a local search."""
    return {
        "device_seconds": ledger.used,
        "useful": ledger.useful,
        "wasted": dict(ledger.wasted),
        "idle": ledger.idle,
        "utilisation": ledger.utilisation,
        "slot_waits": asdict(ledger.slot_waits) if ledger.slot_waits else None,
        "trial_waits": asdict(ledger.trial_waits) if ledger.trial_waits else None,
        "slurm": _by_slurm(ledger.jobs) if ledger.jobs else None,
    }


def _by_slurm(tasks: Collection[str]) -> dict[str, Any]:
    """What sacct says of the tasks, or why it says nothing: a report needs no accounting."""
    asked: dict[str, Any] = {"tasks_asked_for": len(tasks), "why_not": None}
    try:
        return asked | asdict(accounted(tasks))
    except NoAnswer as error:
        return asked | {"why_not": str(error), "tasks": 0, "device_seconds": None}
