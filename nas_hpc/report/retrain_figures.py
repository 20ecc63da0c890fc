"""Figures of the final training: candidates under new seeds, and the points of the grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.experiment.measure import Measure
from nas_hpc.report.arms import title
from nas_hpc.report.measures import rank, reward_form
from nas_hpc.report.retraining import Retraining
from nas_hpc.report.row_figure import columns, row_figure
from nas_hpc.report.style import BLUE, GREY, INK, VERMILLION, beside, nothing_yet
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import grid_keys, is_chosen
from nas_hpc.report.words import UNKNOWN, measured

HEADERS = {
    "learning_rate": "learning\nrate",
    "weight_decay": "weight\ndecay",
    "batch_norm_epsilon": "batch-norm\nepsilon",
    "decay_at": "decay at\nepochs",
    "initial_range": "initial\nrange",
    "embedding_dropout": "embedding\ndropout",
    "dropout": "dropout",
    "recurrent_dropout": "recurrent\ndropout",
    "decay_after": "decay\nafter",
}
"""Of the columns of values, by the keys of ``retrain.grid``."""

Entry = tuple[Retraining, dict[str, Any]]
"""Something published about a contender."""


def rescore(findings: Findings) -> Figure:
    """The reward of each candidate in its search, and under new seeds."""
    entries = _entries(findings, lambda one: one.rescored, lambda entry: -entry["mean"])
    figure = row_figure("The best of the search, scored again with new seeds", len(entries))
    axes = figure.axes[0]
    if not entries:
        nothing_yet(axes, "No candidate has been scored again yet")
        return figure
    for row, (retraining, entry) in enumerate(entries):
        rewards, mean, sd = entry["rewards"], entry["mean"], entry["sd"]
        axes.plot(rewards, [row] * len(rewards), "o", ms=5, color=BLUE, alpha=0.5, mew=0)
        axes.plot([mean, mean], [row - 0.28, row + 0.28], color=BLUE, lw=2.5)
        arm = findings.arm(retraining.strategy)
        before = {row.trial: row.reward for row in arm.rows} if arm else {}
        first = before.get(entry["trial"])
        if first is not None:
            axes.plot(first, row, "D", ms=5, mfc="white", mec=VERMILLION)
        form = reward_form(mean, 3)
        beside(axes, row, f"{mean:{form}}" + ("" if sd is None else f" ± {sd:{form}}"))
    cells = [_whose(entries, entry) for entry in entries]
    columns(axes, [*_of(entries, ""), "trial"], cells, numbers="mean ± SD")
    _apart(axes, entries)
    axes.set_xlabel("Reward   (◇ in the search    ● with a new seed    ▌ mean of new seeds)")
    return figure


def grid(findings: Findings) -> Figure:
    """The result of each point of the grid on validation data, the best first."""
    measure = findings.measure
    entries = _entries(findings, lambda one: one.grid, lambda entry: _rank(measure, entry))
    figure = row_figure("Final training: every point of the grid, on validation data", len(entries))
    axes = figure.axes[0]
    if not entries:
        nothing_yet(axes, "No point of the grid has been trained yet")
        return figure
    for row, (retraining, entry) in enumerate(entries):
        chosen = is_chosen(entry, retraining.chosen)
        if _scored(measure, entry):
            result = entry[measure.validation]
            axes.plot(result, row, "o", ms=7, color=VERMILLION if chosen else BLUE)
            text = measured(measure.name, result)
            beside(axes, row, f"{text}, chosen" if chosen else text, VERMILLION if chosen else INK)
        else:
            beside(axes, row, entry["status"], GREY)
    varied = _varied(grid_keys(findings.experiment), [entry for _, entry in entries])
    cells = [
        [*_whose(entries, entry), *(_value(entry[1]["training"][name]) for name in varied)]
        for entry in entries
    ]
    heads = [*_of(entries, ""), "trial", *(HEADERS[name] for name in varied)]
    columns(axes, heads, cells)
    _apart(axes, entries)
    axes.set_xlabel(f"Validation {measure.name}")
    return figure


def _entries(
    findings: Findings,
    published: Callable[[Retraining], list[dict[str, Any]]],
    key: Callable[[dict[str, Any]], float],
) -> list[Entry]:
    """One contender after the other, each with its best first."""
    return [
        (retraining, entry)
        for retraining in findings.retrainings
        for entry in sorted(published(retraining), key=key)
    ]


def _whose(entries: Sequence[Entry], entry: Entry) -> list[str]:
    """The first cells of a row: the contender, unless there is one alone, and the trial."""
    retraining, published = entry
    trial = UNKNOWN if retraining.strategy is None else str(published["trial"])
    return [*_of(entries, title(retraining.strategy or retraining.contender)), trial]


def _of(entries: Sequence[Entry], cell: str) -> list[str]:
    """A cell of the column of contenders, which is there if there are several."""
    return [cell] if len({retraining.contender for retraining, _ in entries}) > 1 else []


def _apart(axes: Axes, entries: Sequence[Entry]) -> None:
    """A line between two contenders."""
    for row, ((above, _), (below, _)) in enumerate(pairwise(entries), 1):
        if above is not below:
            axes.axhline(row - 0.5, color=GREY, lw=0.5)


def _scored(measure: Measure, entry: dict[str, Any]) -> bool:
    return entry["status"] == "ok" and entry[measure.validation] is not None


def _rank(measure: Measure, entry: dict[str, Any]) -> float:
    """The best first; those without a score last."""
    if not _scored(measure, entry):
        return float("inf")
    return rank(measure, float(entry[measure.validation]))


def _varied(keys: Sequence[str], entries: Sequence[dict[str, Any]]) -> list[str]:
    """In what the points differ; everything that a grid has if they do not."""
    differing = [key for key in keys if len({str(e["training"][key]) for e in entries}) > 1]
    return differing or list(keys)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(f"{part:.0%}" for part in value) or "never"
    return "chosen" if value is None else f"{value:g}"
