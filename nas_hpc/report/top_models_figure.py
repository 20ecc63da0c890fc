"""The figure of the best models of the search beside those of the strategies compared with it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.arms import Arm, strategies
from nas_hpc.report.measures import reward_form
from nas_hpc.report.schedule import mark, steps_by_sample
from nas_hpc.report.style import BLUE, GREY, INK, SKY, label_ends, new_figure, nothing_yet
from nas_hpc.report.summary import Findings
from nas_hpc.report.top_models import TOP, TopModels, top_models

SHADES = dict(zip(TOP, (SKY, BLUE, INK), strict=True))
"""The more models a mean is of, the darker."""


def top_models_figure(findings: Findings) -> Figure:
    """By how much the search's best models are ahead, a panel for each strategy beside it."""
    search = findings.search
    others = findings.others if search else []
    figure = new_figure(height=2.4, rows=max(1, len(others)))
    figure.axes[0].set_title("The best models, beside those of another strategy")
    if search is None or not others:
        alone = len(strategies(findings.experiment)) == 1
        nothing_yet(
            figure.axes[0], "No strategy to compare with" if alone else "Nothing to compare yet"
        )
        return figure
    compared = [top_models(search, other) for other in others]
    last = max((row.samples for rows in compared for row in rows), default=0)
    for axes, other, rows in zip(figure.axes, others, compared, strict=True):
        axes.set_title(f"Mean of the best models: {search.title} less {other.title}")
        _gaps(axes, search, rows, last)
    figure.axes[-1].set_xlabel("Models sampled by each, duplicates included")
    return figure


def _gaps(axes: Axes, search: Arm, rows: Sequence[TopModels], last: int) -> None:
    """A line for each of `TOP`; above zero the search is ahead."""
    if all(row.gap is None for row in rows):
        nothing_yet(axes, "Nothing to compare yet")
        return
    axes.set_ylabel(f"Gap in mean reward\n(above 0 {search.title} is ahead)")
    axes.margins(y=0.12)  # the marks below stand clear of the lines
    axes.axhline(0, color=GREY, lw=1)
    ends: list[tuple[float, float, str, str]] = []
    for top, colour in SHADES.items():
        line = [(row.samples, row.gap) for row in rows if row.top == top and row.gap is not None]
        if line:
            x, y = zip(*line, strict=True)
            axes.plot(x, y, color=colour, marker="o" if len(x) == 1 else "")
            gap = f"{y[-1]:+{reward_form(y[-1], 3)}}".replace("-", "−")
            ends.append((x[-1], y[-1], f"top {top}: {gap}", colour))
    axes.set_xlim(0, 1.02 * last)
    axes.locator_params(axis="x", integer=True)
    mark(axes, steps_by_sample(search, last))
    label_ends(axes, ends)
