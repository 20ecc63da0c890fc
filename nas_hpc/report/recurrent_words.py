"""Recurrent cells in words: their equations."""

from __future__ import annotations

from typing import Any

from nas_hpc.report.recurrent_graph import C_BEFORE, C, Graph, H, read
from nas_hpc.report.task import Task
from nas_hpc.spaces.recurrent_cell import Node

SIGNS = {"add": "+", "elem_mult": "⊙", "max": "max"}
"""Of the combinations."""

STANDARD = {
    "lstm": [
        "f = sigmoid(W₁xₜ + W₂hₜ₋₁ + b₁)",
        "i = sigmoid(W₃xₜ + W₄hₜ₋₁ + b₂)",
        "g = tanh(W₅xₜ + W₆hₜ₋₁ + b₃)",
        "o = sigmoid(W₇xₜ + W₈hₜ₋₁ + b₄)",
        "cₜ = f ⊙ cₜ₋₁ + i ⊙ g",
        "hₜ = o ⊙ tanh(cₜ)",
    ],
    "gru": [
        "r = sigmoid(W₁xₜ + W₂hₜ₋₁ + b₁)",
        "z = sigmoid(W₃xₜ + W₄hₜ₋₁ + b₂)",
        "n = tanh(W₅xₜ + b₃ + r ⊙ (W₆hₜ₋₁ + b₄))",
        "hₜ = (1 - z) ⊙ n + z ⊙ hₜ₋₁",
    ],
}
"""Equations of the standard cells."""


def words(architecture: dict[str, Any], task: Task | None) -> list[str]:
    """One equation on each line, leaves first; c_t and h_t last."""
    return equations(Graph.of(read(architecture)))


def line(architecture: dict[str, Any]) -> str:
    """What the nodes do, in their order, and what becomes of c."""
    cell = read(architecture)
    leaves, inner = cell.nodes[: cell.leaves], cell.nodes[cell.leaves :]
    parts = [f"leaves {_short(leaves)}"] + [f"nodes {_short(inner)}"] * bool(inner)
    into = f"c into {cell.injected_at} by {_short([cell.inject])}, from {cell.taken_from}"
    return "; ".join([*parts, into])


def standard_words(architecture: dict[str, Any], task: Task | None) -> list[str]:
    """One equation on each line."""
    return STANDARD[architecture["name"]]


def standard_line(architecture: dict[str, Any]) -> str:
    """The cell's name."""
    return str(architecture["name"]).upper()


def equations(graph: Graph) -> list[str]:
    """Those of the parts, with the injection where it happens, then c_t and h_t."""
    lines = []
    for i, part in enumerate(graph.parts):
        last, injected = i == len(graph.parts) - 1, i == graph.injected_at
        name = H if last and not injected else part.name
        lines.append(f"{name} = {_applied(part.node, _combined(graph, i))}")
        if injected:
            both = _joined(graph.inject.combination, part.name, C_BEFORE)
            lines.append(f"{graph.output(i)} = {_applied(graph.inject, both)}")
    lines.insert(len(lines) - 1, f"{C} = {_combined(graph, graph.taken_from)}")
    return lines


def _combined(graph: Graph, number: int) -> str:
    part = graph.parts[number]
    one, other = (graph.output(each) if isinstance(each, int) else each for each in part.inputs)
    if not graph.children(number) and part.node.combination == "elem_mult":
        one, other = f"({one})", f"({other})"
    return _joined(part.node.combination, one, other)


def _joined(combination: str, one: str, other: str) -> str:
    if combination == "max":
        return f"max({one}, {other})"
    return f"{one} {SIGNS[combination]} {other}"


def _applied(node: Node, value: str) -> str:
    return value if node.activation == "identity" else f"{node.activation}({value})"


def _short(nodes: Any) -> str:
    return " ".join(f"{node.activation}({SIGNS[node.combination]})" for node in nodes)
