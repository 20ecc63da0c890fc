"""The tables of what was chosen, trained in other language models, beside what stands beside it.

A perplexity of characters is near 2; as in the literature its logarithm is reported, in bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nas_hpc.report.retraining import Spread
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import write_csv
from nas_hpc.report.tested import model_of
from nas_hpc.report.words import UNKNOWN, number

COLUMNS = ("target", "model", "parameters", "unit", "test_bits", "sd", "of_each_seed", "failed")


@dataclass(frozen=True)
class Row:
    """A cell in another language model.

    Attributes:
        target: name of the other experiment.
        unit: what its tokens are.
        model: whose cell, in words.
        parameters: None if unknown.
        bits: a token of test data, log2 of the perplexity; of each seed whose training ended well.
        failed: trainings that did not.
    """

    target: str
    unit: str
    model: str
    parameters: float | None
    bits: tuple[float, ...]
    failed: int

    @property
    def mean(self) -> Spread | None:
        """Of all seeds whose training ended well."""
        return Spread.of([*self.bits])


def write_transfer(path: Path, findings: Findings) -> None:
    """Write all of them as one CSV table; what is not known is left empty."""
    lines = []
    for row in (row for rows in _tables(findings) for row in rows):
        mean = (None, None) if row.mean is None else (row.mean.mean, row.mean.sd)
        each = json.dumps(row.bits)
        values = (row.target, row.model, row.parameters, row.unit, *mean, each, row.failed)
        lines.append(dict(zip(COLUMNS, values, strict=True)))
    write_csv(path, COLUMNS, lines)


def transfer_tables(findings: Findings) -> str:
    """A table for each other language model, in Markdown; empty before anything is known of one."""
    tables = []
    for rows in _tables(findings):
        lines = [[row.model, number(row.parameters, ",.0f"), *_cells(row)] for row in rows]
        unit = f"Test, bits per {rows[0].unit} (mean ± SD)"
        headers = ["Model", "Parameters", unit, "Each seed"]
        table = tabulate(lines, headers, tablefmt="github", disable_numparse=True)
        tables.append(f"## In {rows[0].target}\n\n{table}\n")
    return "\n".join(tables)


def _tables(findings: Findings) -> Iterator[list[Row]]:
    for place in range(len(findings.experiment.retrain.transfer)):
        published = [(one, one.transfers[place]) for one in findings.retrainings]
        rows = [
            _row(model_of(findings.experiment, one), runs)
            for one, runs in published
            if one.chosen and runs
        ]
        if rows:
            yield rows


def _row(model: str, runs: Sequence[Mapping[str, Any]]) -> Row:
    well = [run for run in runs if run["status"] == "ok"]
    return Row(
        target=runs[0]["target"],
        unit=runs[0]["unit"],
        model=model,
        parameters=next((run["parameters"] for run in well), None),
        bits=tuple(log2(run["test_perplexity"]) for run in well),
        failed=len(runs) - len(well),
    )


def _cells(row: Row) -> list[str]:
    each = [f"{bits:.4f}" for bits in row.bits]
    each += [f"{row.failed} failed"] if row.failed else []
    return [UNKNOWN if row.mean is None else f"{row.mean:.4f}", ", ".join(each)]
