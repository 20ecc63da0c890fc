"""The space of cells, as in NASNet (Zoph et al. 2018, arXiv 1707.07012).

Two small graphs are decided, a normal and a reduction cell, and the network stacks them. A cell is
a row of blocks. A block takes two inputs, each the output of one of the two cells before or of an
earlier block, puts an operator on each and combines the results.

The decisions do not depend on how often the cells are stacked, nor at how many filters. So the
tokens that a search has found small are, with other arguments, the same cells in a larger network.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from nas_hpc.spaces.decisions import Anchor, Choice, Connect, Kind, Point, Space
from nas_hpc.spaces.options import check_known, check_number

OPERATORS = (
    "identity",
    "separable 3x3",
    "separable 5x5",
    "separable 7x7",
    "1x7 then 7x1",
    "average pooling 3x3",
    "max pooling 3x3",
    "dilated 3x3",
)
COMBINATIONS = ("add", "concatenate")

CELL_INPUTS = ("previous cell", "cell before")
"""Inputs 0 and 1 of a cell; input i + 2 is its block i."""


@dataclass(frozen=True, order=True)
class Branch:
    """One half of a block: an input of the cell, see `CELL_INPUTS`, and what is done to it."""

    input: int
    operator: str


@dataclass(frozen=True)
class Block:
    """Two branches and how they are combined.

    The branches are sorted: swapped ones make the same network, which then has one key only.
    """

    branches: tuple[Branch, Branch]
    combination: str


@dataclass(frozen=True)
class Cell:
    """Blocks, each of which may take what earlier ones have made."""

    blocks: tuple[Block, ...]

    def inputs_used(self) -> frozenset[int]:
        """The inputs that some block takes, numbered as in `Branch`."""
        return frozenset(branch.input for block in self.blocks for branch in block.branches)

    def loose_ends(self) -> tuple[int, ...]:
        """Numbers of the blocks that feed no other; concatenated they are the cell's output."""
        used = self.inputs_used()
        first = len(CELL_INPUTS)
        return tuple(i for i in range(len(self.blocks)) if i + first not in used)

    def width(self) -> int:
        """Channels of the output in units of the cell's filters; a concatenation has two."""
        return sum(1 + (self.blocks[i].combination == "concatenate") for i in self.loose_ends())


@dataclass(frozen=True)
class CellNet:
    """Cells stacked: N normal ones, a reduction, N normal ones, a reduction, N normal ones.

    Attributes:
        normal: keeps height and width.
        reduction: halves them, at twice the filters.
        repeats: N.
        filters: F, of every operator in the first N cells.
    """

    normal: Cell
    reduction: Cell
    repeats: int
    filters: int

    @property
    def stem(self) -> int:
        """Filters of the convolution between image and cells; NASNet has 3 F for small images."""
        return 3 * self.filters

    def stack(self) -> tuple[tuple[bool, int], ...]:
        """For each cell from the image on: whether it is a reduction, and its filters."""
        cells = []
        for level in range(3):
            filters = self.filters * 2**level
            cells += [(True, filters)] * (level > 0) + [(False, filters)] * self.repeats
        return tuple(cells)

    def needed(self) -> frozenset[int]:
        """Numbers of the cells whose output reaches the classifier.

        Not all of them do where no block takes the previous cell's output.
        """
        stack = self.stack()
        needed = {len(stack) - 1}
        for i in reversed(range(len(stack))):
            if i in needed:
                used = (self.reduction if stack[i][0] else self.normal).inputs_used()
                needed |= {i - 1 - j for j in range(len(CELL_INPUTS)) if j in used and i > j}
        return frozenset(needed)


def cell(
    blocks: int = 5,
    operators: Sequence[str] = OPERATORS,
    combinations: Sequence[str] = COMBINATIONS,
) -> Space:
    """The space of cells; ``repeats`` (N) and ``filters`` (F) are the arguments of its generator.

    Args:
        blocks: of each cell, B.
        operators: some of `OPERATORS`.
        combinations: some of `COMBINATIONS`.

    Raises:
        SpaceError: an option is not allowed; names it and those that are.
    """
    check_number("cell", "blocks", blocks)
    check_known("cell", "operators", operators, OPERATORS)
    check_known("cell", "combinations", combinations, COMBINATIONS)
    operator = Kind("operator", tuple(operators))
    combination = Kind("combination", tuple(combinations))

    def one_block(name: str, inputs: Sequence[int]) -> Generator[Any, Any, Block]:
        one = yield Point(f"{name}/input 0", tuple(inputs))
        other = yield Point(f"{name}/input 1", tuple(inputs))
        on_one = yield Choice(operator, f"{name}/operator 0")
        on_other = yield Choice(operator, f"{name}/operator 1")
        combined = yield Choice(combination, f"{name}/combination")
        left = Branch(inputs.index(one), on_one)
        right = Branch(inputs.index(other), on_other)
        return Block((min(left, right), max(left, right)), combined)

    def one_cell(name: str) -> Generator[Any, Any, Cell]:
        inputs: list[int] = []
        for given in CELL_INPUTS:
            # An empty set is a step without tokens: without it, both inputs would share one
            # hidden state and the controller could not tell them apart.
            yield Connect(f"{name}/{given}/inputs", ())
            inputs.append((yield Anchor(f"{name}/{given}")))
        decided = []
        for i in range(blocks):
            decided.append((yield from one_block(f"{name}/block {i}", inputs)))
            inputs.append((yield Anchor(f"{name}/block {i}")))
        return Cell(tuple(decided))

    def generate(repeats: int, filters: int) -> Generator[Any, Any, CellNet]:
        check_number("cell", "repeats", repeats)
        check_number("cell", "filters", filters)
        normal = yield from one_cell("normal")
        reduction = yield from one_cell("reduction")
        return CellNet(normal, reduction, repeats, filters)

    return Space("cell", (operator, combination), generate, static=True)
