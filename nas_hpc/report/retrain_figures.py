"""Figures of the final training: candidates under new seeds, and the points of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.style import BLUE, GREY, INK, VERMILLION, beside, new_figure, nothing_yet
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import TRAINING, is_chosen

HEADERS = {
    "learning_rate": "learning\nrate",
    "weight_decay": "weight\ndecay",
    "batch_norm_epsilon": "batch-norm\nepsilon",
    "decay_at": "decay at\nepochs",
}
COLUMN = 62.0
"""Width of a column of text beside a figure, in points."""


def rescore(findings: Findings) -> Figure:
    """The reward of each candidate in the search, and under new seeds."""
    entries = sorted(findings.retraining.rescored, key=lambda entry: -entry["mean"])
    figure = _figure("The best of the search, scored again with new seeds", len(entries))
    axes = figure.axes[0]
    if not entries:
        nothing_yet(axes, "No candidate has been scored again yet")
        return figure
    search = findings.search
    before = {row.trial: row.reward for row in search.rows} if search else {}
    for row, entry in enumerate(entries):
        rewards, mean, sd = entry["rewards"], entry["mean"], entry["sd"]
        axes.plot(rewards, [row] * len(rewards), "o", ms=5, color=BLUE, alpha=0.5, mew=0)
        axes.plot([mean, mean], [row - 0.28, row + 0.28], color=BLUE, lw=2.5)
        first = before.get(entry["trial"])
        if first is not None:
            axes.plot(first, row, "D", ms=5, mfc="white", mec=VERMILLION)
        beside(axes, row, f"{mean:.3f}" + ("" if sd is None else f" ± {sd:.3f}"))
    beside(axes, -0.9, "mean ± SD", GREY)
    _columns(axes, ["trial"], [[str(entry["trial"])] for entry in entries])
    axes.set_xlabel("Reward   (◇ in the search    ● with a new seed    ▌ mean of new seeds)")
    return figure


def grid(findings: Findings) -> Figure:
    """The validation accuracy of each point of the grid, the best first."""
    retraining = findings.retraining
    entries = sorted(retraining.grid, key=_rank)
    figure = _figure("Final training: every point of the grid, on validation data", len(entries))
    axes = figure.axes[0]
    if not entries:
        nothing_yet(axes, "No point of the grid has been trained yet")
        return figure
    for row, entry in enumerate(entries):
        chosen = is_chosen(entry, retraining.chosen)
        if _scored(entry):
            accuracy = entry["validation_accuracy"]
            axes.plot(accuracy, row, "o", ms=7, color=VERMILLION if chosen else BLUE)
            text = f"{accuracy:.4f}"
            beside(axes, row, f"{text}, chosen" if chosen else text, VERMILLION if chosen else INK)
        else:
            beside(axes, row, entry["status"], GREY)
    varied = _varied(entries)
    cells = [
        [str(entry["trial"]), *(_value(entry["training"][name]) for name in varied)]
        for entry in entries
    ]
    _columns(axes, ["trial", *(HEADERS[name] for name in varied)], cells)
    axes.set_xlabel("Validation accuracy")
    return figure


def _scored(entry: dict[str, Any]) -> bool:
    return entry["status"] == "ok" and entry["validation_accuracy"] is not None


def _rank(entry: dict[str, Any]) -> float:
    """The best first; those without a score last."""
    return -float(entry["validation_accuracy"]) if _scored(entry) else float("inf")


def _varied(entries: Sequence[dict[str, Any]]) -> list[str]:
    """In what the points differ; everything that a grid has if they do not."""
    differing = [key for key in TRAINING if len({str(e["training"][key]) for e in entries}) > 1]
    return differing or list(TRAINING)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(f"{part:.0%}" for part in value) or "never"
    return "chosen" if value is None else f"{value:g}"


def _figure(title: str, rows: int) -> Figure:
    figure = new_figure(height=0.28 * max(3, rows), width=4.4)
    figure.axes[0].set_title(title, pad=36 if rows else 10)
    return figure


def _columns(axes: Axes, headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Text in columns to the left of the rows of a figure."""
    axes.set(yticks=range(len(cells)), yticklabels=[], ylim=(len(cells) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=6)
    axes.margins(x=0.08)
    lines = [(-0.9, headers, GREY), *((row, line, INK) for row, line in enumerate(cells))]
    for row, texts, colour in lines:
        for place, text in enumerate(reversed(texts)):
            axes.annotate(
                text,
                xy=(0, row),
                xycoords=axes.get_yaxis_transform(),
                xytext=(-8 - COLUMN * place, 0),
                textcoords="offset points",
                ha="right",
                va="bottom" if row < 0 else "center",
                color=colour,
                fontsize=8.5,
                annotation_clip=False,
            )
