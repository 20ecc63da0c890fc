"""The CSV tables: a row for each trial, a row for each point of the grid; no test data in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas_hpc.report.summary import Findings
from nas_hpc.report.trials import TrialRow
from nas_hpc.store.durable import write_durably

TRAINING = ("learning_rate", "weight_decay", "batch_norm_epsilon", "decay_at")
RETRAIN_COLUMNS = (
    "trial",
    "candidate",
    "point",
    *TRAINING,
    "status",
    "reward",
    "validation_accuracy",
    "seconds",
    "parameters",
    "chosen",
)


def write_trials(path: Path, findings: Findings) -> None:
    """Every trial of every strategy; `TrialRow` tells the columns, times are ISO 8601 in UTC."""
    columns = [field.name for field in fields(TrialRow)]
    rows = [asdict(row) for arm in findings.arms for row in arm.rows]
    for row in rows:
        row |= {name: _time(row[name]) for name in ("started", "ended")}
    write_csv(path, columns, rows)


def write_grid(path: Path, findings: Findings) -> None:
    """Every point of the grid of the final training, as scored on validation data."""
    chosen = findings.retraining.chosen
    rows = []
    for entry in findings.retraining.grid:
        row = {name: entry.get(name) for name in RETRAIN_COLUMNS}
        row |= {name: entry["training"][name] for name in TRAINING}
        row["decay_at"] = json.dumps(row["decay_at"])
        row["chosen"] = is_chosen(entry, chosen)
        rows.append(row)
    write_csv(path, RETRAIN_COLUMNS, rows)


def is_chosen(entry: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    """Whether a point of the grid is the one that the final trainings repeat."""
    return bool(chosen) and all(entry[name] == chosen[name] for name in ("trial", "point"))


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV, durably; each must have the columns and no others."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="") as file:
            table = csv.DictWriter(file, list(columns), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)

    write_durably(path, write)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
