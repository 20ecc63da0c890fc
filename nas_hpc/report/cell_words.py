"""Networks of cells in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nas_hpc.report.task import Task
from nas_hpc.spaces.cell import CELL_INPUTS, Block, Branch, Cell, CellNet

SHORT_OPERATORS = {
    "identity": "id",
    "separable 3x3": "sep3",
    "separable 5x5": "sep5",
    "separable 7x7": "sep7",
    "1x7 then 7x1": "1x7·7x1",
    "average pooling 3x3": "avg3",
    "max pooling 3x3": "max3",
    "dilated 3x3": "dil3",
}
SHORT_INPUTS = ("p", "pp")


def read(architecture: Mapping[str, Any]) -> CellNet:
    """The architecture that the JSON data describes."""
    normal, reduction = (
        Cell(tuple(map(_block, architecture[name]["blocks"]))) for name in ("normal", "reduction")
    )
    return CellNet(normal, reduction, architecture["repeats"], architecture["filters"])


def words(architecture: dict[str, Any], task: Task | None) -> list[str]:
    """A line for the stack of cells; for each cell one for each block, and one for its output."""
    net = read(architecture)
    lines = [f"cells: {', '.join(_stack(net))}"]
    if len(net.needed()) < len(net.stack()):
        numbers = _listed(sorted(net.needed()))
        lines.append(f"cells whose output reaches the classifier, from 0: {numbers}")
    for name, cell in (("normal", net.normal), ("reduction", net.reduction)):
        for i, block in enumerate(cell.blocks):
            one, other = map(_branch, block.branches)
            how = "plus" if block.combination == "add" else "concatenated with"
            lines.append(f"{name} cell, block {i}: {one}, {how} {other}")
        lines.append(f"{name} cell, output: {_ends(cell)}")
    return lines


def line(architecture: dict[str, Any]) -> str:
    """Both cells with a block as ``operator(input)``; p is the previous cell, pp the one before.

    Branches are joined by + where they are added, by ‖ where they are concatenated.
    """
    net = read(architecture)
    cells = (
        f"{name}: {'  '.join(map(_short, cell.blocks))}"
        for name, cell in (("normal", net.normal), ("reduction", net.reduction))
    )
    return "; ".join([f"N = {net.repeats}, F = {net.filters}", *cells])


def input_name(number: int) -> str:
    """What an input of a cell is."""
    given = ("the previous cell", "the cell before it")
    return given[number] if number < len(given) else f"block {number - len(given)}"


def operator_name(operator: str) -> str:
    """An operator with its sizes set apart, such as ``separable 3 × 3``."""
    parts = operator.split()
    return " ".join(part.replace("x", " × ") if part[0].isdigit() else part for part in parts)


def _stack(net: CellNet) -> list[str]:
    levels: dict[int, list[bool]] = {}
    for reduces, filters in net.stack():
        levels.setdefault(filters, []).append(reduces)
    return [
        f"{'a reduction, ' if any(kinds) else ''}{kinds.count(False)} normal of {filters} filters"
        for filters, kinds in levels.items()
    ]


def _branch(branch: Branch) -> str:
    return f"{operator_name(branch.operator)} of {input_name(branch.input)}"


def _ends(cell: Cell) -> str:
    ends = cell.loose_ends()
    return f"blocks {_listed(ends)}, concatenated" if len(ends) > 1 else f"block {ends[0]}"


def _listed(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last


def _short(block: Block) -> str:
    first = len(CELL_INPUTS)
    sides = (
        f"{SHORT_OPERATORS[operator]}({SHORT_INPUTS[i] if i < first else i - first})"
        for i, operator in ((branch.input, branch.operator) for branch in block.branches)
    )
    return ("+" if block.combination == "add" else "‖").join(sides)


def _block(stored: Mapping[str, Any]) -> Block:
    one, other = (Branch(each["input"], each["operator"]) for each in stored["branches"])
    return Block((one, other), stored["combination"])
