"""Recurrent cells as trees, read from the leaves at the bottom to h_t at the top.

Each node is a circle, where two inputs are combined, and above it a box with its activation; the
identity has none. What is injected is a second circle and box above those. c_t is taken between
circle and box.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from nas_hpc.report.cell_drawing import box, wire
from nas_hpc.report.recurrent_graph import C_BEFORE, LSTM, C, Graph, H, read
from nas_hpc.report.recurrent_words import SIGNS, equations, standard_words
from nas_hpc.report.style import BLUE, GREEN, GREY, INK, VERMILLION, text_figure
from nas_hpc.report.task import Task
from nas_hpc.spaces import describe
from nas_hpc.spaces.recurrent_cell import BASELINES, Node

# Inches; heights grow upwards, from the leaves' circles.
SPACING, RADIUS, BOX_WIDTH, BOX_HEIGHT = 1.08, 0.12, 0.56, 0.24
STEM = 0.17  # between circle and box
UNIT = 2 * RADIUS + STEM + BOX_HEIGHT  # of circle and box
GAP = 0.24  # between a node and what is above it
INPUTS, OUTPUT = 0.5, 0.5  # below the leaves and above the root
HEADING, LINE, COLUMN = 0.4, 0.2, 2.7  # above the tree; of the equations below it
BETWEEN = 0.6  # two cells

FILLS = {
    "tanh": "#E3EFF8",
    "sigmoid": "#E4F4EE",
    "relu": "#FCE9DA",
    "sin": "#F3E6F2",
}


class Places:
    """Where the parts of a cell stand, in inches from the leftmost leaf.

    Attributes:
        x: middles of the parts.
        bottom, top: heights of a part's lower and upper ends.
        leaves: how many there are.
    """

    def __init__(self, graph: Graph) -> None:
        self.x: dict[int, float] = {}
        self.bottom: dict[int, float] = {}
        self.top: dict[int, float] = {}
        self.leaves = 0
        self._place(graph, len(graph.parts) - 1)

    def _place(self, graph: Graph, part: int) -> None:
        children = graph.children(part)
        for child in children:
            self._place(graph, child)
        if children:
            self.x[part] = sum(self.x[child] for child in children) / 2
        else:
            self.x[part] = SPACING * self.leaves
            self.leaves += 1
        self.bottom[part] = max((self.top[child] + GAP for child in children), default=0.0)
        self.top[part] = self.bottom[part] + UNIT + (GAP + UNIT) * (part == graph.injected_at)

    @property
    def width(self) -> float:
        """Of the drawing, half a leaf's space at either side included."""
        return SPACING * self.leaves

    @property
    def height(self) -> float:
        """Of the drawing, with its inputs and its output."""
        return INPUTS + max(self.top.values()) + OUTPUT


def draw(architecture: dict[str, Any], task: Task | None, heading: str) -> Figure:
    """The figure of a found cell in its JSON form, with the LSTM beside it."""
    return draw_beside([(architecture, heading), (describe(BASELINES["lstm"]), "LSTM, to compare")])


def draw_standard(architecture: dict[str, Any], task: Task | None, heading: str) -> Figure:
    """The figure of a standard cell; the GRU, which is no tree, has its equations alone."""
    if architecture["name"] == "lstm":
        return draw_beside([(architecture, heading)])
    return text_figure(heading, standard_words(architecture, task))


def draw_beside(cells: Sequence[tuple[dict[str, Any], str]]) -> Figure:
    """Cells, each with its heading, beside one another: found ones, and the LSTM."""
    panels = [_Panel(architecture, heading) for architecture, heading in cells]
    tallest = max(panel.places.height for panel in panels)
    lines = max(len(column) for panel in panels for column in panel.columns)
    width = sum(panel.width for panel in panels) + BETWEEN * (len(panels) - 1)
    height = HEADING + tallest + LINE * (lines + 1)
    figure = Figure(figsize=(width, height))
    left = 0.0
    for panel in panels:
        middle = left + panel.width / 2
        top = 1 - 0.15 / height
        heading: dict[str, Any] = {"weight": "bold", "fontsize": 10.5, "va": "center"}
        figure.text(left / width, top, panel.heading, **heading)
        across = panel.places.width
        begin, bottom = middle - across / 2, LINE * (lines + 1)
        place = begin / width, bottom / height, across / width, tallest / height
        axes = figure.add_axes(place)
        axes.set(xlim=(-SPACING / 2, across - SPACING / 2), ylim=(-INPUTS, tallest - INPUTS))
        axes.set_axis_off()
        draw_tree(axes, panel.graph, panel.places)
        for k, column in enumerate(panel.columns):
            x = middle + COLUMN * (k - len(panel.columns) / 2) + 0.1
            for row, equation in enumerate(column):
                figure.text(x / width, LINE * (lines - row - 0.5) / height, equation, va="center")
        left += panel.width + BETWEEN
    return figure


class _Panel:
    """One cell of a figure."""

    def __init__(self, architecture: dict[str, Any], heading: str) -> None:
        self.heading = heading
        if "name" in architecture:
            self.graph, self.columns = LSTM, [standard_words(architecture, None)]
        else:
            self.graph = Graph.of(read(architecture))
            self.columns = _columns(self.graph)
        self.places = Places(self.graph)
        self.width = max(self.places.width, COLUMN * len(self.columns), 0.085 * len(heading))


def _columns(graph: Graph) -> list[list[str]]:
    """Equations in one column, or where there are many, those of the leaves apart."""
    lines = equations(graph)
    leaves = (len(graph.parts) + 1) // 2
    if leaves <= 3:
        return [lines]
    apart = leaves + (graph.injected_at < leaves)
    return [lines[:apart], lines[apart:]]


def draw_tree(axes: Axes, graph: Graph, places: Places) -> None:
    """Draw a cell into axes whose limits are in inches, see `Places`."""
    for i, part in enumerate(graph.parts):
        x, y = places.x[i], places.bottom[i]
        if graph.children(i):
            for child in graph.children(i):
                side = RADIUS if places.x[child] > x else -RADIUS
                corner = y + RADIUS
                way = [(places.x[child], places.top[child]), (places.x[child], corner)]
                wire(axes, [*way, (x + side, corner)], INK, arrow=True)
        else:
            for side, text, colour in zip((-1, 1), part.inputs, (BLUE, VERMILLION), strict=True):
                start = x + 0.2 * side, y - 0.2
                wire(axes, [start, (x + 0.08 * side, y + 0.02)], colour, arrow=True)
                at = x + 0.26 * side, y - 0.3
                axes.text(*at, str(text), ha="center", va="center", fontsize=7.5, color=colour)
        # The root's output is called h_t already.
        named = graph.output(i) != H or i == graph.injected_at
        _unit(axes, x, y, part.node, part.name * named)
        if i == graph.taken_from:
            tap = y + 2 * RADIUS + STEM / 2
            axes.plot(x, tap, "o", ms=4, color=GREEN, zorder=5)
            wire(axes, [(x, tap), (x + 0.36, tap)], GREEN, arrow=True)
            axes.text(x + 0.38, tap, C, ha="left", va="center", fontsize=9, color=GREEN)
        if i == graph.injected_at:
            again = y + UNIT + GAP
            wire(axes, [(x, y + UNIT), (x, again)], INK, arrow=True)
            middle = again + RADIUS
            wire(axes, [(x - 0.3, middle), (x - RADIUS, middle)], GREEN, arrow=True)
            style: dict[str, Any] = {"fontsize": 9, "color": GREEN}
            axes.text(x - 0.31, middle, C_BEFORE, ha="right", va="center", **style)
            _unit(axes, x, again, graph.inject, graph.injected * (graph.output(i) != H))
    root = len(graph.parts) - 1
    x, y = places.x[root], places.top[root]
    wire(axes, [(x, y), (x, y + 0.22)], INK, arrow=True)
    axes.text(x, y + 0.34, H, ha="center", va="center", fontsize=10)


def _unit(axes: Axes, x: float, bottom: float, node: Node, name: str) -> None:
    """A circle, and above it a box."""
    middle = bottom + RADIUS
    axes.add_patch(Circle((x, middle), RADIUS, fc="white", ec=INK, lw=0.8, zorder=4))
    size = 6 if node.combination == "max" else 9
    sign = SIGNS[node.combination]
    axes.text(x, middle, sign, ha="center", va="center_baseline", fontsize=size, zorder=5)
    top, boxed = bottom + 2 * RADIUS, node.activation in FILLS
    end = bottom + UNIT
    wire(axes, [(x, top), (x, end)], INK)
    if boxed:
        fill = FILLS[node.activation]
        box(axes, x, end - BOX_HEIGHT, BOX_WIDTH, BOX_HEIGHT, fill, node.activation, "")
    left = x - BOX_WIDTH / 2 * boxed - 0.04
    axes.text(left, end - BOX_HEIGHT / 2, name, ha="right", va="center", fontsize=7, color=GREY)
