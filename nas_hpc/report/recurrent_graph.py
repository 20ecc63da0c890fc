"""A recurrent cell as a tree of named parts, which its equations and its drawing are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nas_hpc.spaces.recurrent_cell import Node, RecurrentCell

X, H_BEFORE, C_BEFORE, H, C = "xₜ", "hₜ₋₁", "cₜ₋₁", "hₜ", "cₜ"


@dataclass(frozen=True)
class Part:
    """A node of the tree.

    Attributes:
        name: of its output, before anything is injected.
        node: what it does.
        inputs: two products with weights, in words, or the numbers of two parts before it.
    """

    name: str
    node: Node
    inputs: tuple[str, str] | tuple[int, int]


@dataclass(frozen=True)
class Graph:
    """A cell.

    Attributes:
        parts: the root last.
        inject: what is done with one part's output and c_{t-1}.
        injected_at: number of that part.
        taken_from: number of the part whose value before its activation is c_t.
        injected: name of that part's output from then on.
    """

    parts: tuple[Part, ...]
    inject: Node
    injected_at: int
    taken_from: int
    injected: str

    @classmethod
    def of(cls, cell: RecurrentCell) -> Graph:
        """Parts a₀, a₁ ... with weights W₁, W₂ ... as in the paper's example."""
        parts = []
        for i, node in enumerate(cell.nodes):
            inputs = cell.children(i) or (
                f"W{lowered(2 * i + 1)}{X}",
                f"W{lowered(2 * i + 2)}{H_BEFORE}",
            )
            parts.append(Part(f"a{lowered(i)}", node, inputs))
        injected = f"a{lowered(cell.injected_at)}′"
        return cls(tuple(parts), cell.inject, cell.injected_at, cell.taken_from, injected)

    def children(self, part: int) -> tuple[int, ...]:
        """The parts that feed this one."""
        return tuple(each for each in self.parts[part].inputs if isinstance(each, int))

    def output(self, part: int) -> str:
        """Name of what a part gives to the next."""
        if part == len(self.parts) - 1:
            return H
        return self.injected if part == self.injected_at else self.parts[part].name


def _gate(name: str, activation: str, number: int) -> Part:
    weights = f"W{lowered(2 * number + 1)}{X}", f"W{lowered(2 * number + 2)}{H_BEFORE}"
    return Part(name, Node("add", activation), weights)


def lowered(number: int) -> str:
    """A number as a subscript."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


LSTM = Graph(
    (
        *(_gate("f", "sigmoid", 0), _gate("i", "sigmoid", 1)),
        *(_gate("g", "tanh", 2), _gate("o", "sigmoid", 3)),
        Part("", Node("elem_mult", "identity"), (1, 2)),
        Part("", Node("add", "tanh"), (0, 4)),
        Part("", Node("elem_mult", "identity"), (5, 3)),
    ),
    inject=Node("elem_mult", "identity"),
    injected_at=0,
    taken_from=5,
    injected="",
)
"""The LSTM without its biases, in the form of a found cell; its equations name the gates alone."""


def read(architecture: Mapping[str, Any]) -> RecurrentCell:
    """The cell that the JSON data describes."""
    return RecurrentCell(
        tuple(map(_node, architecture["nodes"])),
        _node(architecture["inject"]),
        architecture["taken_from"],
        architecture["injected_at"],
    )


def _node(stored: Mapping[str, Any]) -> Node:
    return Node(stored["combination"], stored["activation"])
