"""The figure of independent repeats: every test of every pair, and the differences."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.final_figure import results
from nas_hpc.report.repeats import Repeats
from nas_hpc.report.row_figure import columns
from nas_hpc.report.style import BLUE, GREY, INK, VERMILLION, beside

ROW, GAP = 0.28, 0.95
"""Height of a row and between both axes, in inches."""


def repeats_figure(repeats: Repeats) -> Figure:
    """Above a row for each side of each pair, below a point for each pair's difference."""
    scale, rows = repeats.scale, 2 * len(repeats.pairs)
    heights = [ROW * rows, ROW * 2]
    figure = Figure(figsize=(4.4, sum(heights) + GAP))
    above, below = figure.subplots(2, 1, height_ratios=heights)
    figure.subplots_adjust(0, 0, 1, 1, hspace=2 * GAP / sum(heights))
    above.set_title(repeats.title, pad=24)
    cells = []
    for i, pair in enumerate(repeats.pairs):
        for j, (side, colour) in enumerate(zip(pair, (BLUE, VERMILLION), strict=True)):
            results(above, 2 * i + j, side.tested.results, scale, colour)
            cells.append([side.experiment, side.who])
        if i:
            above.axhline(2 * i - 0.5, color=GREY, lw=0.5)
    columns(above, ["", ""], cells, width=90, numbers="mean [95% interval over seeds]")
    above.set_xlabel(f"{scale.heading}; less is better   (● one training    ▌ mean)")
    _differences(below, repeats)
    return figure


def _differences(axes: Axes, repeats: Repeats) -> None:
    """A point for each pair, and below them their mean with its interval over pairs."""
    found = repeats.differences[-1]
    axes.axvline(0, color=GREY, lw=0.8, ls=":")
    axes.plot(found.values, [0] * len(found.values), "o", ms=5, color=INK, alpha=0.6, mew=0)
    interval = found.interval
    if interval.half is not None:
        ends = [interval.mean - interval.half, interval.mean + interval.half]
        axes.plot(ends, [1, 1], color=INK, lw=1)
    axes.plot(interval.mean, 1, "D", ms=5, color=INK)
    beside(axes, 1, format(interval, found.form))
    columns(axes, [""], [["each pair"], ["mean, 95% interval"]])
    name = found.quantity.name
    axes.set_xlabel(f"{name}: first minus second of a pair; below 0 the first is better")
