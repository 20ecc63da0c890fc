"""A decided cell, unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from nas_hpc.children.language.arithmetic import ACTIVATE, COMBINE, by_input, by_operands, times
from nas_hpc.children.language.recurrence import Slopes
from nas_hpc.spaces.recurrent_cell import RecurrentCell

Found = dict[int, Tensor | None]
"""Derivatives by node, and by c under `STATE`."""
STATE = -1


class Tree:
    """A cell of the space; its gates are its leaves, and neighbours that do the same go together.

    See `nas_hpc.children.language.recurrence.Cell` for the methods.
    """

    biases = False

    def __init__(self, cell: RecurrentCell) -> None:
        self.cell = cell
        self.gates = cell.leaves
        self._alike = [
            (node, list(group))
            for node, group in groupby(range(cell.leaves), cell.nodes.__getitem__)
        ]
        self._sizes = [len(group) for _, group in self._alike]
        self._sines = [i for i, node in enumerate(cell.nodes) if node.activation == "sin"]
        self._mixed = [i for i in range(self.gates) if cell.nodes[i].combination != "add"]
        self._kept = {cell.taken_from, *self._sines}

    def step(
        self, inputs: Tensor, recurrent: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        cell = self.cell
        combined: dict[int, Tensor] = {}
        activated: dict[int, Tensor] = {}
        parts = zip(inputs.split(self._sizes, -2), recurrent.split(self._sizes, -2), strict=True)
        for (node, group), given in zip(self._alike, parts, strict=True):
            both = COMBINE[node.combination](*given)
            if not self._kept.isdisjoint(group):
                combined |= zip(group, both.unbind(-2), strict=True)
            activated |= zip(group, ACTIVATE[node.activation](both).unbind(-2), strict=True)
        outputs = dict(activated)
        with_c = c
        for i, node in enumerate(cell.nodes):
            if (children := cell.children(i)) is not None:
                one, other = children
                combined[i] = COMBINE[node.combination](outputs[one], outputs[other])
                outputs[i] = activated[i] = ACTIVATE[node.activation](combined[i])
            if i == cell.injected_at:
                with_c = COMBINE[cell.inject.combination](outputs[i], c)
                outputs[i] = ACTIVATE[cell.inject.activation](with_c)
        values = [recurrent.select(-2, i).clone() for i in self._mixed]
        values += [with_c, outputs[cell.injected_at]]
        values += [activated[i] for i in range(len(cell.nodes))]
        values += [combined[i] for i in self._sines]
        return outputs[len(cell.nodes) - 1], combined[cell.taken_from], values

    def slopes(self, inputs: Tensor, c: Tensor, values: Sequence[Tensor]) -> Slopes:
        recurrent, rest = values[: len(self._mixed)], values[len(self._mixed) :]
        way = _WayBack(self.cell, c, rest, self._sines)
        h_leaves, h_c = self._found(c, way.from_output(len(self.cell.nodes) - 1, None))
        c_leaves, c_c = self._found(c, way.from_combined(self.cell.taken_from, None))
        if not self._mixed:
            return Slopes(h_leaves, h_leaves, h_c, c_leaves, c_leaves, c_c)
        h_recurrent, c_recurrent = h_leaves.clone(), c_leaves.clone()
        for i, of_h in zip(self._mixed, recurrent, strict=True):
            part = (..., i, slice(None))
            by_inputs, by_recurrent = by_operands(
                self.cell.nodes[i].combination, inputs[part], of_h
            )
            assert by_inputs is not None and by_recurrent is not None
            for slope in (h_leaves, c_leaves):
                slope[part] *= by_inputs
            for slope in (h_recurrent, c_recurrent):
                slope[part] *= by_recurrent
        return Slopes(h_leaves, h_recurrent, h_c, c_leaves, c_recurrent, c_c)

    def _found(self, like: Tensor, found: Found) -> tuple[Tensor, Tensor]:
        """Derivatives by what all leaves combine to, side by side, and by c."""
        zeros, ones = torch.zeros_like(like), torch.ones_like(like)

        def at(place: int) -> Tensor:
            by = found.get(place, zeros)
            return ones if by is None else by

        return torch.stack([at(leaf) for leaf in range(self.gates)], dim=-2), at(STATE)


class _WayBack:
    """From a node down to the leaves below it, by the chain rule.

    A method is given some result's derivative by the node's output, or by what the node's two
    inputs combine to, and gives that result's derivatives by what the leaves combine to, and by c.
    What it does not depend on is left out.
    """

    def __init__(
        self, cell: RecurrentCell, c: Tensor, values: Sequence[Tensor], sines: Sequence[int]
    ) -> None:
        nodes = len(cell.nodes)
        with_c, injected, *rest = values
        activated, combined = rest[:nodes], dict(zip(sines, rest[nodes:], strict=True))
        self.cell = cell
        self.outputs = dict(enumerate(activated)) | {cell.injected_at: injected}
        self.by_combined = [
            by_input(node.activation, activated[i], combined.get(i))
            for i, node in enumerate(cell.nodes)
        ]
        by_with_c = by_input(cell.inject.activation, injected, with_c)
        by_node, by_c = by_operands(cell.inject.combination, activated[cell.injected_at], c)
        self.by_injected = times(by_with_c, by_node), times(by_with_c, by_c)

    def from_output(self, node: int, by: Tensor | None) -> Found:
        found: Found = {}
        if node == self.cell.injected_at:
            by_node, by_c = self.by_injected
            found, by = {STATE: times(by, by_c)}, times(by, by_node)
        return found | self.from_combined(node, times(by, self.by_combined[node]))

    def from_combined(self, node: int, by: Tensor | None) -> Found:
        children = self.cell.children(node)
        if children is None:
            return {node: by}
        operands = (self.outputs[child] for child in children)
        factors = by_operands(self.cell.nodes[node].combination, *operands)
        found: Found = {}
        for child, factor in zip(children, factors, strict=True):
            found |= self.from_output(child, times(by, factor))
        return found
