r"""The paper's space of recurrent cells (sections 3.4 and 4.2).

A full binary tree is decided over the input x_t and the last output h_{t-1}. Each leaf multiplies
both by weights of its own, combines the two products and puts an activation on the result; each
internal node does so with the outputs of its two children. The root's output is h_t. A state c
passes by the tree: c_{t-1} is combined with the output of one node, "injected", and c_t is the
value of one node before its activation.

The tree of base 3, whose nodes 0 to 2 are leaves::

           4  root, h_t
          / \
         2   3
            / \
           0   1
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from nas_hpc.spaces.decisions import Choice, Kind, Space
from nas_hpc.spaces.options import check_known, check_number

COMBINATIONS = ("add", "elem_mult", "max")
ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu", "sin")


@dataclass(frozen=True)
class Node:
    """What is done with two inputs: one of `COMBINATIONS`, then one of `ACTIVATIONS`."""

    combination: str
    activation: str


@dataclass(frozen=True)
class RecurrentCell:
    """A decided cell.

    Attributes:
        nodes: the leaves, then the internal nodes, the root last.
        inject: what is done with the output of node ``injected_at`` and c_{t-1}; the result is
            that node's output from then on.
        taken_from: the node whose value before its activation is c_t, the paper's first cell index.
        injected_at: the second cell index.
    """

    nodes: tuple[Node, ...]
    inject: Node
    taken_from: int
    injected_at: int

    @property
    def leaves(self) -> int:
        """How many of the nodes are leaves: the base number."""
        return (len(self.nodes) + 1) // 2

    def children(self, node: int) -> tuple[int, int] | None:
        """The two nodes whose outputs this one combines; None for a leaf."""
        i = node - self.leaves
        return None if i < 0 else (2 * i, 2 * i + 1)


@dataclass(frozen=True)
class StandardCell:
    """A cell to compare with, ``lstm`` or ``gru``; no point of the space."""

    name: str


def _nodes(combination: str, *activations: str) -> tuple[Node, ...]:
    return tuple(Node(combination, activation) for activation in activations)


NASCELL = RecurrentCell(
    nodes=(
        *_nodes("add", "sigmoid", "relu", "sigmoid"),
        *_nodes("elem_mult", "relu"),
        *_nodes("add", "tanh", "sigmoid", "tanh", "sigmoid"),
        *(Node("elem_mult", "tanh"), Node("add", "tanh")),
        *(Node("elem_mult", "tanh"), Node("add", "sigmoid")),
        *(Node("elem_mult", "identity"), Node("add", "tanh")),
        Node("elem_mult", "tanh"),
    ),
    inject=Node("add", "tanh"),
    taken_from=12,
    injected_at=8,
)
"""The cell that the paper found, as its authors published it."""

BASELINES: dict[str, RecurrentCell | StandardCell] = {
    "lstm": StandardCell("lstm"),
    "gru": StandardCell("gru"),
    "nascell": NASCELL,
}
"""Cells to compare with, by name."""


def recurrent_cell(
    base: int = 8,
    combinations: Sequence[str] = COMBINATIONS[:2],
    activations: Sequence[str] = ACTIVATIONS[:4],
) -> Space:
    """The space of recurrent cells; its generator has no arguments.

    Args:
        base: leaves of the tree.
        combinations: some of `COMBINATIONS`; the paper adds max in a control experiment.
        activations: some of `ACTIVATIONS`; the paper adds sin in the same experiment.

    Raises:
        SpaceError: an option is not allowed; names it and those that are.
    """
    check_number("recurrent-cell", "base", base)
    check_known("recurrent-cell", "combinations", combinations, COMBINATIONS)
    check_known("recurrent-cell", "activations", activations, ACTIVATIONS)
    nodes = 2 * base - 1
    combination = Kind("combination", tuple(combinations))
    activation = Kind("activation", tuple(activations))
    index = Kind("cell index", tuple(range(nodes)))

    def node(at: str) -> Generator[Any, Any, Node]:
        combined = yield Choice(combination, f"{at}/combination")
        activated = yield Choice(activation, f"{at}/activation")
        return Node(combined, activated)

    def generate() -> Generator[Any, Any, RecurrentCell]:
        decided = []
        for i in range(nodes):
            decided.append((yield from node(f"node {i}")))
        inject = yield from node("inject")
        taken_from = yield Choice(index, "cell index 0")
        injected_at = yield Choice(index, "cell index 1")
        return RecurrentCell(tuple(decided), inject, taken_from, injected_at)

    return Space("recurrent-cell", (combination, activation, index), generate, static=True)
