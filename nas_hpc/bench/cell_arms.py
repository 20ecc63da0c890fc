"""A recurrent cell as children calculate it, and what else there is to calculate such cells with.

All arms take [time, batch, hidden] and have layers of the same hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas_hpc.children.language.arithmetic import ACTIVATE, COMBINE
from nas_hpc.children.language.stack import build_stack
from nas_hpc.spaces.recurrent_cell import RecurrentCell, StandardCell

STACK = "stack"
"""The arm with which the others are compared."""


def arms(cell: RecurrentCell | StandardCell, hidden: int, layers: int) -> dict[str, nn.Module]:
    """What is measured, by name."""
    made: dict[str, nn.Module] = {
        STACK: build_stack(cell, hidden, hidden, layers),
        "nn.LSTM": nn.LSTM(hidden, hidden, layers),
        "loop over nn.LSTMCell": StepByStep([nn.LSTMCell(hidden, hidden) for _ in range(layers)]),
    }
    if isinstance(cell, RecurrentCell):
        made["step by step"] = StepByStep([PlainCell(cell, hidden) for _ in range(layers)])
    return made


class StepByStep(nn.Module):
    """Layers that are called once for each time step, like `torch.nn.LSTMCell`."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, inputs: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        zeros = torch.zeros_like(inputs[0])
        states, outputs = [(zeros, zeros)] * len(self.layers), []
        for given in inputs:
            for k, layer in enumerate(self.layers):
                states[k] = layer(given, states[k])
                given = states[k][0]
            outputs.append(given)
        return torch.stack(outputs), states


class PlainCell(nn.Module):
    """A decided cell as its equations are read: each leaf has two matrices of its own."""

    def __init__(self, cell: RecurrentCell, hidden: int) -> None:
        super().__init__()
        self.cell = cell
        leaves = range(cell.leaves)
        self.of_input = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in leaves)
        self.of_last = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in leaves)

    def forward(self, given: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        (h, c), cell = state, self.cell
        combined: list[Tensor] = []
        outputs: list[Tensor] = []
        for i, node in enumerate(cell.nodes):
            if (children := cell.children(i)) is None:
                one, other = self.of_input[i](given), self.of_last[i](h)
            else:
                one, other = (outputs[child] for child in children)
            combined.append(COMBINE[node.combination](one, other))
            outputs.append(ACTIVATE[node.activation](combined[i]))
            if i == cell.injected_at:
                injected = COMBINE[cell.inject.combination](outputs[i], c)
                outputs[i] = ACTIVATE[cell.inject.activation](injected)
        return outputs[-1], combined[cell.taken_from]
