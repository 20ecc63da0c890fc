"""How all figures look, and how they are saved. Nothing here uses pyplot or any display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.store.durable import write_durably

# Okabe and Ito's palette: told apart under every common colour blindness.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
ORANGE, SKY = "#E69F00", "#56B4E9"
INK, GREY = "#222222", "#6B6B6B"
ARM_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE)
"""Of an experiment's strategies, in their order."""

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#EEEEEE",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "pdf.fonttype": 42,
    "svg.hashsalt": "nas_hpc",
}

# Without dates, equal results give equal files.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


def styled() -> Any:
    """A context in which figures are made and saved."""
    return matplotlib.rc_context(STYLE)


def save(figure: Figure, path: Path, *formats: str) -> None:
    """Save a figure durably, once for each format; ``path`` lacks its ending."""
    for kind in formats:

        def write(temporary: Path, kind: str = kind) -> None:
            figure.savefig(
                temporary,
                format=kind,
                metadata=METADATA[kind],
                facecolor="white",
                bbox_inches="tight",
                pad_inches=0.12,
            )

        write_durably(path.with_name(f"{path.name}.{kind}"), write)


def new_figure(height: float = 3.2, rows: int = 1, width: float = 5.2) -> Figure:
    """A figure of some rows of axes, each of so many inches; ``figure.axes`` lists them.

    What is written around the axes adds to the size of the file (see `save`).
    """
    gap = 0.85
    whole = rows * height + (rows - 1) * gap
    figure = Figure(figsize=(width, whole))
    figure.subplots(rows, 1)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, hspace=gap / height)
    return figure


def footnote(figure: Figure, lines: Sequence[str]) -> None:
    """Write remarks below the last axes."""
    figure.axes[-1].annotate(
        "\n".join(lines),
        xy=(0, 0),
        xycoords="axes fraction",
        xytext=(0, -40),
        textcoords="offset points",
        va="top",
        style="italic",
        fontsize=8.5,
        color=GREY,
    )


def text_figure(heading: str, lines: Sequence[str]) -> Figure:
    """Text as a figure, as large as it needs to be."""
    longest = max(map(len, [heading, *lines]), default=0)
    figure = Figure(figsize=(max(4.0, 0.085 * longest + 0.6), 0.18 * len(lines) + 0.8))
    height = figure.get_figheight()
    figure.text(0.3 / figure.get_figwidth(), 1 - 0.35 / height, heading, weight="bold", va="center")
    body = "\n".join(lines)
    figure.text(
        0.3 / figure.get_figwidth(), 1 - 0.6 / height, body, va="top", family="DejaVu Sans Mono"
    )
    return figure


def nothing_yet(axes: Axes, text: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


LINE = 12.0
"""Height of a line of labels, in points."""


def beside(axes: Axes, height: float, text: str, colour: str = INK, transform: Any = None) -> None:
    """Write text to the right of the axes, at a height of the data or of another transform."""
    axes.text(
        1.02,
        height,
        text,
        transform=transform or axes.get_yaxis_transform(),
        va="center",
        color=colour,
        fontsize=8.5,
    )


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write each line's name beside its right end, apart from each other.

    Args:
        axes: whose limits are final.
        ends: for each line x and y of its last point, the text and the colour.
    """
    low, high = axes.get_ylim()
    figure = axes.get_figure(root=True)
    assert figure is not None
    points = 72 * axes.get_position().height * figure.get_figheight()
    gap = LINE / points * (high - low)
    ends = sorted(ends, key=lambda end: end[1])
    heights: list[float] = []
    for _, y, _, _ in ends:
        heights.append(max(y, heights[-1] + gap if heights else low))
    surplus = max(0.0, heights[-1] - high) if heights else 0.0
    for height, (x, y, text, colour) in zip(heights, ends, strict=True):
        axes.annotate(
            text,
            xy=(x, y),
            xytext=(1.02, height - surplus),
            textcoords=axes.get_yaxis_transform(),
            color=colour,
            va="center",
            fontsize=8.5,
            annotation_clip=False,
            # Lead to where the text begins, so that no line crosses another's name.
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "color": colour,
                "lw": 0.6,
                "alpha": 0.5,
            },
        )
