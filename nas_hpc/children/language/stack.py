"""Recurrent layers one over another, of any cell, used like `torch.nn.LSTM`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children.language.recurrence import Cell, recur
from nas_hpc.children.language.standard import STANDARD
from nas_hpc.children.language.tree import Tree
from nas_hpc.spaces.recurrent_cell import RecurrentCell, StandardCell

State = tuple[Tensor, Tensor]
"""h and c of all layers, each [layers, batch, hidden]."""


def build_stack(
    cell: RecurrentCell | StandardCell,
    input_size: int,
    hidden_size: int,
    layers: int,
    batch_first: bool = False,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
) -> Stack:
    """Layers of this cell; for the other arguments see `Stack`."""
    unit = STANDARD[cell.name] if isinstance(cell, StandardCell) else Tree(cell)
    return Stack(unit, input_size, hidden_size, layers, batch_first, dropout, recurrent_dropout)


class Stack(nn.Module):
    """Layers with the interface of `torch.nn.LSTM`, and its names of parameters.

    Rows k * hidden_size to (k + 1) * hidden_size of a layer's two matrices belong to leaf k of a
    found cell, which has no biases, or to gate k of a standard one.

    Args:
        cell: what is done unit by unit.
        input_size: of what the first layer is given.
        hidden_size: of h and c.
        layers: how many.
        batch_first: input and output are [batch, time, size], not [time, batch, size].
        dropout: in training, share of the units that each layer after the first is not given; the
            same ones in all steps of a call (Gal and Ghahramani 2016, arXiv 1512.05287).
        recurrent_dropout: likewise for the units of h_{t-1}, in each layer.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int,
        batch_first: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, layers
        self.batch_first = batch_first
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        rows = cell.gates * hidden_size
        for k in range(layers):
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, hidden_size if k else input_size),
                "weight_hh": (rows, hidden_size),
            }
            if cell.biases:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for name, shape in shapes.items():
                self.register_parameter(f"{name}_l{k}", nn.Parameter(torch.empty(shape)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All uniform within 1 / sqrt(hidden_size), as in `torch.nn.LSTM`."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            input: [time, batch, input_size], or as ``batch_first`` says.
            state: before the first step; zeros unless given.

        Returns:
            h of the last layer in all steps, [time, batch, hidden_size] or as ``batch_first`` says,
            and the state after the last step.

        Raises:
            ValueError: the input or the state has another shape, or nothing is in it.
        """
        self._check(input, state)
        given = input.transpose(0, 1) if self.batch_first else input
        batch = given.shape[1]
        if state is None:
            zeros = self.get_parameter("weight_hh_l0").new_zeros(
                self.num_layers, batch, self.hidden_size
            )
            state = zeros, zeros
        last_h, last_c = [], []
        for k in range(self.num_layers):
            if k and (mask := self._mask(given[0], self.dropout)) is not None:
                given = given * mask
            projected = F.linear(given, self.get_parameter(f"weight_ih_l{k}"), self._bias("ih", k))
            given, c = recur(
                self.cell,
                projected.unflatten(-1, (-1, self.hidden_size)),
                self.get_parameter(f"weight_hh_l{k}"),
                self._bias("hh", k),
                (state[0][k], state[1][k]),
                self._mask(state[0][k], self.recurrent_dropout),
            )
            last_h.append(given[-1])
            last_c.append(c)
        output = given.transpose(0, 1) if self.batch_first else given
        return output, (torch.stack(last_h), torch.stack(last_c))

    def _check(self, input: Tensor, state: State | None) -> None:
        if input.dim() != 3 or input.shape[-1] != self.input_size or not input.numel():
            dimensions = "batch, time" if self.batch_first else "time, batch"
            raise ValueError(
                f"input must be [{dimensions}, {self.input_size}], not {list(input.shape)}"
            )
        shape = (self.num_layers, input.shape[0 if self.batch_first else 1], self.hidden_size)
        for name, given in zip("hc", state or (), strict=False):
            if given.shape != shape:
                raise ValueError(f"{name} must be {list(shape)}, not {list(given.shape)}")

    def _mask(self, like: Tensor, rate: float) -> Tensor | None:
        """Zeros, and else what keeps the mean; None where nothing is dropped."""
        return F.dropout(torch.ones_like(like), rate) if self.training and rate else None

    def _bias(self, of: str, layer: int) -> Tensor | None:
        return getattr(self, f"bias_{of}_l{layer}", None)
