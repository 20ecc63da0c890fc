"""The figure of the final tests: a point for every training, and how well each mean is known."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.interval import Interval
from nas_hpc.report.row_figure import columns, row_figure
from nas_hpc.report.style import BLUE, GREY, INK, beside, nothing_yet
from nas_hpc.report.summary import Findings
from nas_hpc.report.tested import Scale, scale_of, tested


def final(findings: Findings) -> Figure:
    """Every result on test data: of what was found, its variants, and what stands beside it."""
    models, scale = tested(findings), scale_of(findings.measure)
    figure = row_figure("Final training: every test", len(models), pad=24)
    axes = figure.axes[0]
    if not any(one.results for one in models):
        nothing_yet(axes, "No final training has ended yet")
        return figure
    for row, one in enumerate(models):
        results(axes, row, one.results, scale, BLUE)
        if one.failed and not one.results:
            beside(axes, row, f"{one.failed} failed", GREY)
    prefix = f"{findings.experiment.name}, "
    names = [[one.model.removeprefix(prefix)] for one in models]
    columns(axes, [""], names, numbers="mean [95% interval]")
    axes.set_xlabel(f"{scale.heading}; less is better   (● one training    ▌ mean    ━ interval)")
    return figure


def results(axes: Axes, row: float, values: tuple[float, ...], scale: Scale, colour: str) -> None:
    """A row of points, their mean and its interval, and beside it the numbers."""
    found = Interval.of(values)
    if found is None:
        return
    if found.half is not None:
        ends = [found.mean - found.half, found.mean + found.half]
        axes.plot(ends, [row, row], color=INK, lw=1, alpha=0.6)
    axes.plot([found.mean, found.mean], [row - 0.28, row + 0.28], color=colour, lw=2.5)
    axes.plot(values, [row] * len(values), "o", ms=5, color=colour, alpha=0.6, mew=0, zorder=3)
    beside(axes, row, format(found, scale.form(found.mean)))
