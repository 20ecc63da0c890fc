"""The tables of independent repeats: a row for each side of a pair, and the differences."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from tabulate import tabulate

from nas_hpc.report.repeats import Difference, Repeats, Side
from nas_hpc.report.tables import write_csv
from nas_hpc.report.tested import Scale
from nas_hpc.report.words import number

SEARCH = "trials", "device_seconds", "best_reward", "shortlist_reward"
NOTE = (
    "Each pair is one repeat, with a search of its own. Differences are the first side minus the "
    "second, each side by the mean of its seeds; intervals are Student's t at 95% over pairs, not "
    "over seeds. With few pairs they are wide, and nothing is claimed beyond them."
)
"""Below the tables."""


def write_repeats(path: Path, repeats: Repeats) -> None:
    """Write every side as CSV; the results of all its seeds are JSON in one column."""
    mean = repeats.scale.column
    each = f"{mean}_of_each_seed"
    columns = ["pair", "side", "model", "seed", *SEARCH, "parameters", mean, each, "failed"]
    rows = [
        {"pair": i, "side": j} | _values(side, mean, each)
        for i, pair in enumerate(repeats.pairs, 1)
        for j, side in enumerate(pair, 1)
    ]
    write_csv(path, columns, rows)


def repeats_table(repeats: Repeats) -> str:
    """Both tables in Markdown."""
    heads = ["Pair", "Model", "Seed", "Trials", "Device-seconds", "Best reward in the search"]
    heads += ["Reward with new seeds", f"{repeats.scale.heading}, each seed", "Mean"]
    lines = [
        [str(i), *_cells(side, repeats.scale)]
        for i, pair in enumerate(repeats.pairs, 1)
        for side in pair
    ]
    sides = tabulate(lines, heads, tablefmt="github", disable_numparse=True)
    heads = ["Difference", "Each pair", "Mean [95% interval]", "The first is better"]
    lines = [_difference(found) for found in repeats.differences]
    differences = tabulate(lines, heads, tablefmt="github", disable_numparse=True)
    return "\n\n".join([f"# {repeats.title}", sides, differences, NOTE]) + "\n"


def _values(side: Side, mean: str, each: str) -> dict[str, Any]:
    search = {name: getattr(side, name) for name in SEARCH}
    return search | {
        "model": side.tested.model,
        "seed": side.seed,
        "parameters": side.tested.parameters,
        mean: fmean(side.tested.results),
        each: json.dumps(side.tested.results),
        "failed": side.tested.failed,
    }


def _cells(side: Side, scale: Scale) -> list[str]:
    form = scale.form(fmean(side.tested.results))
    results = [format(result, form) for result in side.tested.results]
    if side.tested.failed:
        results.append(f"{side.tested.failed} failed")
    return [
        side.tested.model,
        str(side.seed),
        number(side.trials, ","),
        number(side.device_seconds, ",.0f"),
        number(side.best_reward),
        number(side.shortlist_reward),
        ", ".join(results),
        format(fmean(side.tested.results), form),
    ]


def _difference(found: Difference) -> list[str]:
    quantity = found.quantity
    return [
        quantity.name,
        ", ".join(format(value, found.form) for value in found.values),
        format(found.interval, found.form),
        "below 0" if quantity.less_is_better else "above 0",
    ]
