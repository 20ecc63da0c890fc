"""The table of a found cell in another language model, beside an LSTM there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nas_hpc.experiment import Experiment
from nas_hpc.report.arms import title
from nas_hpc.report.retraining import Spread
from nas_hpc.report.tables import write_csv
from nas_hpc.report.words import UNKNOWN, number
from nas_hpc.store.durable import read_json, write_durably


@dataclass(frozen=True)
class Row:
    """A cell.

    Attributes:
        model: in words.
        parameters: None if unknown.
        bits: a token on test data, log2 of the perplexity; of each seed whose training ended well.
        failed: trainings that did not.
    """

    model: str
    parameters: float | None
    bits: tuple[float, ...]
    failed: int


def write_transfer(
    results: Path, source: Experiment, target: Experiment, published: Mapping[str, Sequence[Path]]
) -> str:
    """Write ``transfer.csv`` and ``transfer.md``.

    Args:
        results: folder for them; made if it is missing.
        source, target: where the cell is from, and where it was trained.
        published: files of the final trainings, by cell; those that are not there are left out.

    Returns:
        The Markdown.
    """
    unit = target.data.options.get("level", "token")
    rows = [_row(source, cell, paths) for cell, paths in published.items()]
    columns = ["model", "parameters", f"test_bits_per_{unit}", "sd", "of_each_seed", "failed"]
    values = [[row.model, row.parameters, *_values(row), row.failed] for row in rows]
    lines = [dict(zip(columns, line, strict=True)) for line in values]
    results.mkdir(parents=True, exist_ok=True)
    write_csv(results / "transfer.csv", columns, lines)
    headers = ["Model", "Parameters", f"Test, bits per {unit} (mean ± SD)", "Each seed"]
    cells = [[row.model, number(row.parameters, ",.0f"), *_cells(row)] for row in rows]
    table = tabulate(cells, headers, tablefmt="github", disable_numparse=True)
    text = f"# The cell of {source.name} in {target.name}\n\n{table}\n"

    def write(temporary: Path) -> None:
        temporary.write_text(text)

    write_durably(results / "transfer.md", write)
    return text


def _row(source: Experiment, cell: str, paths: Sequence[Path]) -> Row:
    runs = [read_json(path) for path in paths if path.is_file()]
    well = [run for run in runs if run["status"] == "ok"]
    trial = next((run["trial"] for run in runs), None)
    return Row(
        model=title(cell) if trial is None else f"cell of {source.name}, trial {trial}",
        parameters=next((run["parameters"] for run in well), None),
        bits=tuple(log2(run["test_perplexity"]) for run in well),
        failed=len(runs) - len(well),
    )


def _values(row: Row) -> list[Any]:
    spread = Spread.of([*row.bits])
    mean, sd = (None, None) if spread is None else (spread.mean, spread.sd)
    return [mean, sd, json.dumps(row.bits)]


def _cells(row: Row) -> list[str]:
    spread = Spread.of([*row.bits])
    each = [f"{bits:.4f}" for bits in row.bits]
    each += [f"{row.failed} failed"] if row.failed else []
    return [UNKNOWN if spread is None else f"{spread:.4f}", ", ".join(each)]
