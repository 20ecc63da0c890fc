"""Figures of rows: at the left of each row columns of text, in it points, at the right a number."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.style import GREY, INK, new_figure

COLUMN = 62.0
"""Width of a column of text beside a figure, in points."""
HEAD = -0.9
"""Where the heads of columns stand, counted in rows."""
MANY = 40
"""Above so many rows they stand closer together."""


def row_figure(title: str, rows: int, pad: float = 36) -> Figure:
    """A figure of so many rows, with room for the heads of columns if there are any rows."""
    figure = new_figure(height=(0.28 if rows <= MANY else 0.19) * max(3, rows), width=4.4)
    figure.axes[0].set_title(title, pad=pad if rows else 10)
    return figure


def columns(
    axes: Axes,
    headers: Sequence[str],
    cells: Sequence[Sequence[str]],
    width: float = COLUMN,
    numbers: str = "",
) -> None:
    """Text in columns to the left of the rows of a figure, each of so many points.

    ``numbers`` is the head of what stands to the right.
    """
    axes.set(yticks=range(len(cells)), yticklabels=[], ylim=(len(cells) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=6)
    axes.margins(x=0.08)
    right = axes.get_yaxis_transform()
    axes.text(1.02, HEAD, numbers, transform=right, va="bottom", color=GREY, fontsize=8.5)
    lines = [(HEAD, headers, GREY), *((row, line, INK) for row, line in enumerate(cells))]
    for row, texts, colour in lines:
        for place, text in enumerate(reversed(texts)):
            axes.annotate(
                text,
                xy=(0, row),
                xycoords=axes.get_yaxis_transform(),
                xytext=(-8 - width * place, 0),
                textcoords="offset points",
                ha="right",
                va="bottom" if row < 0 else "center",
                color=colour,
                fontsize=8.5,
                annotation_clip=False,
            )
