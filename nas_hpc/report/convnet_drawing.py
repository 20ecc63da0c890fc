"""A convolutional network as a drawing, read from the image at the top to the classifier below.

Layers, or blocks, stand under one another. What feeds the next one goes straight down; every other
connection leaves its layer to the right and runs down a lane of its own, and a dot marks each
place that takes from it. Pooling between blocks is a band across all lanes.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from nas_hpc.report.convnet_graph import IMAGE, Graph, Join, Layer, Size
from nas_hpc.report.convnet_words import POOLING, kind, named
from nas_hpc.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION
from nas_hpc.report.task import Task

# Inches.
BOX_WIDTH, BOX_HEIGHT = 3.3, 0.36
JOIN_HEIGHT, BAND_HEIGHT, GAP = 0.22, 0.26, 0.2
LANE_WIDTH, LEFT, MARGIN = 0.17, 1.45, 0.3
HALF = BOX_WIDTH / 2

LANE_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
FILL, IMAGE_FILL, JOIN_FILL = "#E8F1F8", "#FFF4D6", "#FFFFFF"
POOL_FILL, NORM_FILL = "#E2F3EC", "#F5E9F3"
FILLS = {"PoolLayer": POOL_FILL, "BatchNormLayer": NORM_FILL, "ContrastLayer": NORM_FILL}
"""Of the boxes of layers that are no convolutions."""


def draw(architecture: dict[str, Any], task: Task | None, heading: str) -> Figure:
    """The drawing of an architecture in its JSON form."""
    graph = Graph.of(architecture, task)
    places = Places(graph)
    width, height = LEFT + BOX_WIDTH + LANE_WIDTH * (places.lane_count + 1) + MARGIN, places.depth
    width = max(width, 0.085 * len(heading) + 2 * MARGIN)
    figure = Figure(figsize=(width, height + 0.5 + MARGIN))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-HALF - LEFT, width - HALF - LEFT), ylim=(height + MARGIN, -0.5))
    axes.set_axis_off()
    axes.text(-HALF - LEFT + MARGIN, -0.25, heading, weight="bold", fontsize=10.5, va="center")
    _lanes(axes, graph, places)
    _image(axes, graph)
    for layer in graph.layers:
        _layer(axes, layer, places)
    for top in places.bands:
        _band(axes, top, places)
    _classifier(axes, graph, places)
    return figure


class Places:
    """Where everything stands: heights in inches below the image's top, and lanes.

    Attributes:
        noun: what the boxes are called.
        top: of each layer's box, and of the classifier's under the number after the last.
        entry: at which each of them is fed.
        bands: tops of the bands of pooling.
        users: for each source the numbers of what it feeds.
        lane: x of each source that feeds other things than the next one.
    """

    def __init__(self, graph: Graph) -> None:
        self.noun = graph.noun
        self.joins = [*(layer.join for layer in graph.layers), graph.last]
        self.top: list[float] = []
        self.entry: list[float] = []
        self.bands: list[float] = []
        y = BOX_HEIGHT
        for number, join in enumerate(self.joins):
            straight = join.sources == (number - 1,)
            if number in graph.pools:
                self.bands.append(y + GAP)
                y += GAP + BAND_HEIGHT
            self.entry.append(y + GAP + JOIN_HEIGHT / 2)
            y += GAP + (0.0 if straight else JOIN_HEIGHT + 0.7 * GAP)
            self.top.append(y)
            y += BOX_HEIGHT
        self.depth = y
        self.users: dict[int, list[int]] = {}
        for number, join in enumerate(self.joins):
            for source in join.sources:
                self.users.setdefault(source, []).append(number)
        self.lane, self.lane_count = self._lanes()

    def bottom(self, number: int) -> float:
        """Of the image's or a layer's box."""
        return self.middle(number) + BOX_HEIGHT / 2

    def middle(self, number: int) -> float:
        """Of the image's or a layer's box."""
        return BOX_HEIGHT / 2 + (0.0 if number == IMAGE else self.top[number])

    def _lanes(self) -> tuple[dict[int, float], int]:
        """Short connections inside, so that few lines cross; a lane is used again once free."""
        spans = [
            (max(users) - source, source, max(users))
            for source, users in self.users.items()
            if max(users) > source + 1
        ]
        taken: list[list[tuple[int, int]]] = []
        lanes = {}
        for _, begin, end in sorted(spans):
            free = (i for i, used in enumerate(taken) if _all_apart(used, begin, end))
            lane = next(free, len(taken))
            if lane == len(taken):
                taken.append([])
            taken[lane].append((begin, end))
            lanes[begin] = HALF + LANE_WIDTH * (lane + 1.2)
        return lanes, len(taken)


def _all_apart(used: list[tuple[int, int]], begin: int, end: int) -> bool:
    return all(end <= other_begin or begin >= other_end for other_begin, other_end in used)


def _lanes(axes: Axes, graph: Graph, places: Places) -> None:
    for order, (source, x) in enumerate(sorted(places.lane.items())):
        users = [user for user in places.users[source] if user > source + 1]
        colour = INK if source == IMAGE else LANE_COLOURS[order % len(LANE_COLOURS)]
        loose = users == [len(graph.layers)]
        repaired = source == IMAGE or loose
        style: dict[str, Any] = {
            "color": colour,
            "lw": 1.5,
            "ls": (0, (3, 1.5)) if repaired else "-",
        }
        begin, end = places.middle(source), places.entry[max(users)]
        axes.plot([HALF, x], [begin, begin], zorder=1, **style)
        # A white rim lets the lane pass over what it has nothing to do with.
        axes.plot([x, x], [begin + 0.05, end], zorder=2, color="white", lw=4.5)
        axes.plot([x, x], [begin, end], zorder=2.1, **style)
        for user in users:
            axes.plot(x, places.entry[user], "o", ms=5, color=colour, zorder=3)


def _image(axes: Axes, graph: Graph) -> None:
    task = graph.task
    text = "image"
    if task:
        text = f"image, {task.height} × {task.width}, {_count(task.channels, 'channel')}"
    _box(axes, 0.0, IMAGE_FILL, text)


def _layer(axes: Axes, layer: Layer, places: Places) -> None:
    top = places.top[layer.number]
    _feed(axes, layer.number, layer.join, places, layer.repaired)
    decided = layer.decided
    fill, convolves = FILLS.get(decided["type"], FILL), "filters" in decided
    _box(axes, top, fill, kind(layer), (decided["height"], decided["width"]) if convolves else None)
    middle = top + BOX_HEIGHT / 2
    left = -HALF - 0.1
    size = _pixels(layer.size, places.joins[0])
    name = f"{places.noun} {layer.number}"
    axes.text(left, middle - 0.07 * bool(size), name, ha="right", va="center")
    if size:
        text = f"{size}, {_count(layer.channels or 0, 'channel')}"
        axes.text(left, middle + 0.09, text, ha="right", va="center", fontsize=7, color=GREY)


def _band(axes: Axes, top: float, places: Places) -> None:
    """Pooling of all that passes."""
    right = max(places.lane.values(), default=HALF) + LANE_WIDTH
    corner, width = (-HALF, top), HALF + right
    band = Rectangle(corner, width, BAND_HEIGHT, facecolor=POOL_FILL, edgecolor=INK, lw=0.9)
    band.set_zorder(4)
    axes.add_patch(band)
    axes.text(0, top + BAND_HEIGHT / 2, POOLING, ha="center", va="center", fontsize=8, zorder=5)


def _classifier(axes: Axes, graph: Graph, places: Places) -> None:
    number = len(graph.layers)
    _feed(axes, number, graph.last, places, repaired=False)
    answer = f": {graph.task.classes} classes" if graph.task else ""
    _box(axes, places.top[number], IMAGE_FILL, f"mean over all positions, linear{answer}")
    middle = places.top[number] + BOX_HEIGHT / 2
    axes.text(-HALF - 0.1, middle, "classifier", ha="right", va="center")


def _feed(axes: Axes, number: int, join: Join, places: Places, repaired: bool) -> None:
    """What leads into a box: straight from the one above, from one lane, or from several."""
    top, entry, above = places.top[number], places.entry[number], places.bottom(number - 1)
    if join.sources == (number - 1,):
        _arrow(axes, (0, above), (0, top))
        return
    lanes = [places.lane[source] for source in join.sources if source != number - 1]
    if len(join.sources) == 1:
        dashed = (0, (3, 1.5)) if repaired else "-"
        axes.plot([max(lanes), 0], [entry, entry], color=INK, lw=1.2, ls=dashed, zorder=1)
        _arrow(axes, (0, entry), (0, top))
        if repaired:
            text = "no input chosen: takes the image"
            axes.text(-0.1, entry, text, ha="right", va="center", fontsize=7.5, style="italic")
        return
    text = _join_text(number, join, places)
    needed = 0.056 * len(text) + 0.25
    half = 0.5 * min(BOX_WIDTH, needed)
    axes.plot([max(lanes), half + 0.05], [entry, entry], color=INK, lw=1.2, zorder=1)
    _arrow(axes, (half + 0.1, entry), (half, entry))
    if number - 1 in join.sources:
        _arrow(axes, (0, above), (0, entry - JOIN_HEIGHT / 2))
    pill = FancyBboxPatch(
        (-half, entry - JOIN_HEIGHT / 2),
        2 * half,
        JOIN_HEIGHT,
        boxstyle=f"round,pad=0,rounding_size={JOIN_HEIGHT / 2}",
        facecolor=JOIN_FILL,
        edgecolor=INK,
        lw=0.8,
        zorder=4,
    )
    axes.add_patch(pill)
    size = 7.5 * 2 * half / needed
    axes.text(0, entry, text, ha="center", va="center", fontsize=size, zorder=5)
    _arrow(axes, (0, entry + JOIN_HEIGHT / 2), (0, top))


def _join_text(number: int, join: Join, places: Places) -> str:
    ends = number == len(places.joins) - 1
    sources = named(join.sources, places.noun)
    channels = "" if join.channels is None else f": {join.channels} channels"
    text = f"loose ends of {sources} join" if ends else f"concatenate {sources}"
    text += channels
    if join.padded:
        size = _pixels(join.size, places.joins[0])
        text += f", padded to {size}" if size else ", smaller ones padded"
    return text


def _pixels(size: Size, first: Join) -> str:
    return "" if first.channels is None else f"{size[0]} × {size[1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _box(
    axes: Axes, top: float, fill: str, text: str, glyph: tuple[int, int] | None = None
) -> None:
    box = FancyBboxPatch(
        (-HALF, top),
        BOX_WIDTH,
        BOX_HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=fill,
        edgecolor=INK,
        lw=0.9,
        zorder=4,
    )
    axes.add_patch(box)
    place: dict[str, Any] = (
        {"x": -HALF + 0.5, "ha": "left"} if glyph else {"x": 0.0, "ha": "center"}
    )
    axes.text(y=top + BOX_HEIGHT / 2, s=text, va="center", zorder=5, **place)
    if glyph:
        # The filter itself, in proportion.
        unit = (BOX_HEIGHT - 0.1) / max(7, *glyph)
        height, width = glyph[0] * unit, glyph[1] * unit
        corner = (-HALF + 0.25 - width / 2, top + (BOX_HEIGHT - height) / 2)
        axes.add_patch(Rectangle(corner, width, height, facecolor=BLUE, lw=0, zorder=5))


def _arrow(axes: Axes, begin: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=begin, arrowprops=style | {"mutation_scale": 9}, zorder=3.5)
