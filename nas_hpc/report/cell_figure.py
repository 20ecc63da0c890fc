"""A network of cells as a figure: how they are stacked, and the normal and the reduction cell."""

from __future__ import annotations

from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.cell_drawing import BOX_HEIGHT, INPUT_FILL, Places, box, draw_cell, wire
from nas_hpc.report.cell_words import read
from nas_hpc.report.style import INK
from nas_hpc.report.task import Task
from nas_hpc.spaces.cell import CellNet

# Inches.
HEADING, TITLE, GAP = 0.45, 0.36, 0.45
STAGE_WIDTH, STAGE_GAP, STACK_HEIGHT = 1.02, 0.2, 0.85
NORMAL_FILL, REDUCTION_FILL = "#E8F1F8", "#F3E6F2"


def draw(architecture: dict[str, Any], task: Task | None, heading: str) -> Figure:
    """The figure of an architecture in its JSON form."""
    net = read(architecture)
    cells = ((net.normal, "Normal cell", False), (net.reduction, "Reduction cell", True))
    all_places = [Places(cell) for cell, _, _ in cells]
    stages = _stages(net, task)
    stack_width = len(stages) * (STAGE_WIDTH + STAGE_GAP) - STAGE_GAP
    cells_width = sum(places.right - places.left for places in all_places) + GAP
    width = max(stack_width, cells_width, 0.085 * len(heading))
    below = max(places.bottom for places in all_places)
    height = HEADING + STACK_HEIGHT + TITLE + below
    figure = Figure(figsize=(width, height))
    figure.text(0, 1 - 0.15 / height, heading, weight="bold", fontsize=10.5, va="center")

    def axes_at(left: float, top: float, x: tuple[float, float], bottom: float) -> Axes:
        """Axes in inches, whose heights grow downwards."""
        extent = x[1] - x[0]
        place = (left / width, 1 - (top + bottom) / height, extent / width, bottom / height)
        axes = figure.add_axes(place)
        axes.set(xlim=x, ylim=(bottom, 0))
        axes.set_axis_off()
        return axes

    left = (width - stack_width) / 2
    _draw_stack(axes_at(left, HEADING, (0, stack_width), STACK_HEIGHT), stages)
    left = (width - cells_width) / 2
    top = HEADING + STACK_HEIGHT + TITLE
    for (cell, title, reduces), places in zip(cells, all_places, strict=True):
        axes = axes_at(left, top, (places.left, places.right), below)
        axes.text(0, -0.18, title, ha="center", va="center", weight="bold", clip_on=False)
        draw_cell(axes, cell, reduces)
        left += places.right - places.left + GAP
    return figure


def _stages(net: CellNet, task: Task | None) -> list[tuple[str, str, str]]:
    """Name, notes and colour of what the image passes through."""
    size = (task.height, task.width) if task else None
    image = f"{_pixels(size)}{task.channels} channels" if task else ""
    stages = [("image", image, INPUT_FILL)]
    stages.append(("stem, 3 × 3", f"{_pixels(size)}{net.stem} channels", INPUT_FILL))
    for reduces, filters in net.stack():
        if reduces:
            size = (ceil(size[0] / 2), ceil(size[1] / 2)) if size else None
            stages.append(("reduction", f"{_pixels(size)}F = {filters}", REDUCTION_FILL))
        elif stages[-1][2] != NORMAL_FILL:
            note = f"{_pixels(size)}F = {filters}"
            stages.append((f"normal × {net.repeats}", note, NORMAL_FILL))
    classes = f"{task.classes} classes" if task else ""
    return [*stages, ("mean, linear", classes, INPUT_FILL)]


def _draw_stack(axes: Axes, stages: list[tuple[str, str, str]]) -> None:
    middle = BOX_HEIGHT / 2
    for i, (name, note, fill) in enumerate(stages):
        left = i * (STAGE_WIDTH + STAGE_GAP)
        x = left + STAGE_WIDTH / 2
        box(axes, x, 0, STAGE_WIDTH, BOX_HEIGHT, fill, name, "")
        axes.text(x, BOX_HEIGHT + 0.08, note, ha="center", va="top", fontsize=7, linespacing=1.3)
        if i:
            wire(axes, [(left - STAGE_GAP, middle), (left, middle)], INK, arrow=True)


def _pixels(size: tuple[int, int] | None) -> str:
    return f"{size[0]} × {size[1]}\n" if size else ""
