"""The CSV tables: a row for each trial, a row for each point of the grid; no test data in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas_hpc.experiment import Experiment, label
from nas_hpc.report.summary import Findings
from nas_hpc.report.trials import TrialRow
from nas_hpc.store.durable import write_durably


def write_trials(path: Path, findings: Findings) -> None:
    """Every trial of every strategy; `TrialRow` tells the columns, times are ISO 8601 in UTC."""
    called = {"validation": findings.measure.validation}
    columns = [called.get(field.name, field.name) for field in fields(TrialRow)]
    rows = []
    for row in (asdict(row) for arm in findings.arms for row in arm.rows):
        row |= {name: _time(row[name]) for name in ("started", "ended")}
        rows.append({called.get(name, name): value for name, value in row.items()})
    write_csv(path, columns, rows)


def write_grid(path: Path, findings: Findings) -> None:
    """Every point of the grid of every contender's final training, scored on validation data."""
    measured, tried = findings.measure.validation, grid_keys(findings.experiment)
    columns = ["contender", "trial", "candidate", "point", *tried, "status", "reward", measured]
    columns += ["seconds", "parameters", "chosen"]
    rows = []
    for retraining in findings.retrainings:
        contender = retraining.contender or label(findings.experiment.search.strategy)
        for entry in retraining.grid:
            row = {name: entry.get(name) for name in columns}
            row |= {name: _value(entry["training"][name]) for name in tried}
            row |= {"contender": contender, "chosen": is_chosen(entry, retraining.chosen)}
            rows.append(row)
    write_csv(path, columns, rows)


def grid_keys(experiment: Experiment) -> list[str]:
    """The keys of ``training`` that the grid of the final training tries values of."""
    return list(experiment.retrain.grid.model_dump())


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


def _value(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
