"""One cell as a drawing, read from its two inputs at the top to its output below.

Blocks stand under one another: two operators and their combination. What an input or a block gives
leaves it to the right and runs down a lane of its own; a dot marks each place that takes from it.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from nas_hpc.report.cell_words import operator_name
from nas_hpc.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION
from nas_hpc.spaces.cell import CELL_INPUTS, Cell

# Inches; heights grow downwards.
BOX_WIDTH, BOX_HEIGHT, PILL_HEIGHT = 1.5, 0.36, 0.22
SIDE = 0.87  # of an operator's middle from the block's
HALF = SIDE + BOX_WIDTH / 2
LANE_WIDTH, LABEL = 0.16, 0.62
ENTRIES = (0.0, 0.12)  # heights within a block: at which its operators are fed,
BOXES, PILL, OUT, BLOCK = 0.26, 0.84, 1.08, 1.28  # of the rest, and of the whole
INPUTS = 0.82  # height of the inputs

LANE_COLOURS = (INK, GREY, BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
FILLS = {"identity": "#FFFFFF", "separable": "#E3EFF8", "average": "#E4F4EE", "max": "#E4F4EE"}
"""Of operators, by the first word of their names."""
OTHER_FILL, INPUT_FILL, UNUSED_FILL = "#FCE9DA", "#FFF4D6", "#F7F7F7"


class Places:
    """Where the parts of a cell stand, in inches from the middle of its blocks and from its top.

    Attributes:
        users: for each input of the cell that is taken, numbered as in `Branch`, the (block, side)
            that take it; (number of blocks, 0) stands for the output.
        lane: x of each of them.
        left, right, bottom: of the drawing.
    """

    def __init__(self, cell: Cell) -> None:
        self.blocks = len(cell.blocks)
        self.users: dict[int, list[tuple[int, int]]] = {}
        for i, block in enumerate(cell.blocks):
            for side, branch in enumerate(block.branches):
                self.users.setdefault(branch.input, []).append((i, side))
        for i in cell.loose_ends():
            self.users.setdefault(i + len(CELL_INPUTS), []).append((self.blocks, 0))
        # What ends early, or begins late, runs inside, so that few lines cross.
        order = sorted(self.users, key=lambda source: (self.users[source][-1][0], -source))
        self.lane = {source: HALF + LANE_WIDTH * (k + 1) for k, source in enumerate(order)}
        self.left, self.right = -HALF - LABEL, HALF + LANE_WIDTH * (len(order) + 1)
        self.bottom = self.top(self.blocks) + PILL_HEIGHT + 0.1

    def top(self, block: int) -> float:
        """Height at which the first operator of a block is fed."""
        return INPUTS + block * BLOCK

    def entry(self, block: int, side: int) -> float:
        """Height at which an operator, or the output, takes from the lanes."""
        inside = PILL_HEIGHT / 2 if block == self.blocks else ENTRIES[side]
        return self.top(block) + inside

    def exit(self, source: int) -> float:
        """Height at which an input of the cell, or a block, leads to its lane."""
        first = len(CELL_INPUTS)
        return (
            BOX_HEIGHT + (0.24, 0.12)[source] if source < first else self.top(source - first) + OUT
        )


def draw_cell(axes: Axes, cell: Cell, reduces: bool) -> None:
    """Draw a cell into axes whose limits are in inches, see `Places`."""
    places = Places(cell)
    for source in range(len(CELL_INPUTS)):
        _input(axes, places, source)
    for i in range(len(cell.blocks)):
        _block(axes, places, cell, i, reduces)
    for source in places.users:
        _lane(axes, places, source)
    _output(axes, places, cell)


def colour_of(source: int) -> str:
    """Of the lane of an input of the cell."""
    return LANE_COLOURS[source % len(LANE_COLOURS)]


def _input(axes: Axes, places: Places, source: int) -> None:
    used = source in places.users
    x = (-SIDE, SIDE)[source]
    name = ("previous cell", "cell before it")[source]
    fill = INPUT_FILL if used else UNUSED_FILL
    box(axes, x, 0.0, BOX_WIDTH, BOX_HEIGHT, fill, name, "1 × 1" if used else "not used")
    if used:
        height = places.exit(source)
        wire(axes, [(x, BOX_HEIGHT), (x, height), (places.lane[source], height)], colour_of(source))


def _block(axes: Axes, places: Places, cell: Cell, number: int, reduces: bool) -> None:
    block, top = cell.blocks[number], places.top(number)
    adds = block.combination == "add"
    # What feeds another block has the width of the cell again.
    matched = not adds and number not in cell.loose_ends()
    text = "add" if adds else "concatenate" + ", 1 × 1" * matched
    width = PILL_HEIGHT + 0.066 * len(text)
    for side, branch in enumerate(block.branches):
        x = (-SIDE, SIDE)[side]
        entry, given = places.entry(number, side), branch.input
        wire(
            axes,
            [(places.lane[given], entry), (x, entry), (x, top + BOXES)],
            colour_of(given),
            arrow=True,
        )
        fill = FILLS.get(branch.operator.split()[0], OTHER_FILL)
        note = "stride 2" if reduces and given < len(CELL_INPUTS) else ""
        if note and branch.operator == "identity":
            note = "1 × 1, stride 2"
        name = operator_name(branch.operator)
        box(axes, x, top + BOXES, BOX_WIDTH, BOX_HEIGHT, fill, name, note)
        bottom, edge = top + BOXES + BOX_HEIGHT, (-1, 1)[side] * width / 2
        wire(axes, [(x, bottom), (x, top + PILL), (edge, top + PILL)], INK, arrow=True)
    pill(axes, top + PILL, width, text)
    source = number + len(CELL_INPUTS)
    out = places.exit(source)
    wire(axes, [(0, top + PILL), (0, out), (places.lane[source], out)], colour_of(source))
    middle = top + BOXES + BOX_HEIGHT / 2
    axes.text(-HALF - 0.1, middle, f"block {number}", ha="right", va="center")


def _lane(axes: Axes, places: Places, source: int) -> None:
    x, begin = places.lane[source], places.exit(source)
    entries = [places.entry(*user) for user in places.users[source]]
    # A white rim lets the lane pass over what it has nothing to do with.
    axes.plot([x, x], [begin + 0.06, max(entries) - 0.06], color="white", lw=4.5, zorder=2)
    wire(axes, [(x, begin), (x, max(entries))], colour_of(source), zorder=2.1)
    for entry in entries:
        axes.plot(x, entry, "o", ms=4.5, color=colour_of(source), zorder=3)


def _output(axes: Axes, places: Places, cell: Cell) -> None:
    ends, height = cell.loose_ends(), places.entry(places.blocks, 0)
    parts = "F" if cell.width() == 1 else f"{cell.width()} F"
    text = f"{'concatenate' if len(ends) > 1 else 'output'}: {parts} channels"
    width = PILL_HEIGHT + 0.066 * len(text)
    outermost = max(places.lane[i + len(CELL_INPUTS)] for i in ends)
    wire(axes, [(outermost, height), (width / 2, height)], INK, arrow=True)
    pill(axes, height, width, text, INPUT_FILL)
    axes.text(-HALF - 0.1, height, "output", ha="right", va="center")


def box(
    axes: Axes, x: float, top: float, width: float, height: float, fill: str, text: str, note: str
) -> None:
    """A box with its middle at x, a text in it, and a small note under the text if there is one."""
    _rounded(axes, x - width / 2, top, width, height, 0.05, fill)
    middle = top + height / 2
    axes.text(x, middle - 0.06 * bool(note), text, ha="center", va="center", fontsize=8, zorder=5)
    style: dict[str, Any] = {"fontsize": 6.5, "color": GREY, "zorder": 5}
    axes.text(x, middle + 0.09, note, ha="center", va="center", **style)


def pill(axes: Axes, middle: float, width: float, text: str, fill: str = "#FFFFFF") -> None:
    """A text in a box with round ends, at x = 0."""
    _rounded(axes, -width / 2, middle - PILL_HEIGHT / 2, width, PILL_HEIGHT, PILL_HEIGHT / 2, fill)
    axes.text(0, middle, text, ha="center", va="center_baseline", fontsize=7.5, zorder=5)


def wire(
    axes: Axes,
    points: list[tuple[float, float]],
    colour: str,
    arrow: bool = False,
    zorder: float = 1,
) -> None:
    """A line with corners, with or without a head at its end."""
    axes.plot(*zip(*points, strict=True), color=colour, lw=1.3, zorder=zorder)
    if arrow:
        head = {"arrowstyle": "-|>", "color": colour, "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            "", points[-1], points[-2], arrowprops=head | {"mutation_scale": 8}, zorder=3.5
        )


def _rounded(
    axes: Axes, left: float, top: float, width: float, height: float, radius: float, fill: str
) -> None:
    shape = f"round,pad=0,rounding_size={radius}"
    style: dict[str, Any] = {"fc": fill, "ec": INK, "lw": 0.8, "zorder": 4, "clip_on": False}
    axes.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=shape, **style))
