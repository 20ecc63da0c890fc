"""The cells that found ones are compared with, unit by unit, with the gates of `torch.nn`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nas_hpc.children.language.recurrence import Cell, Slopes


class LSTM:
    """c = f c + i g, h = o tanh(c) (Hochreiter and Schmidhuber 1997); gates i, f, g, o."""

    gates = 4
    biases = True

    def step(
        self, inputs: Tensor, recurrent: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        gates = inputs + recurrent
        i, f = torch.sigmoid(gates[..., :2, :]).unbind(-2)
        g, o = torch.tanh(gates[..., 2, :]), torch.sigmoid(gates[..., 3, :])
        c = torch.addcmul(f * c, i, g)
        bounded = torch.tanh(c)
        return o * bounded, c, [i, f, g, o, bounded]

    def slopes(self, inputs: Tensor, c: Tensor, values: Sequence[Tensor]) -> Slopes:
        i, f, g, o, bounded = values
        h_by_c = o * (1 - bounded**2)
        by_gates = [g * i * (1 - i), c * f * (1 - f), i * (1 - g**2)]
        of_h = torch.stack([*(h_by_c * each for each in by_gates), bounded * o * (1 - o)], dim=-2)
        of_c = torch.stack([*by_gates, torch.zeros_like(c)], dim=-2)
        return Slopes(of_h, of_h, h_by_c * f, of_c, of_c, f)


class GRU:
    """h = (1 - z) n + z h (Cho et al. 2014, arXiv 1406.1078); gates r, z, n.

    c is h as well, but without the dropout that h has before its matrix.
    """

    gates = 3
    biases = True

    def step(
        self, inputs: Tensor, recurrent: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        r, z = torch.sigmoid(inputs[..., :2, :] + recurrent[..., :2, :]).unbind(-2)
        n = torch.tanh(torch.addcmul(inputs[..., 2, :], r, recurrent[..., 2, :]))
        h = torch.lerp(n, c, z)
        return h, h, [r, z, n, recurrent[..., 2, :].clone()]

    def slopes(self, inputs: Tensor, c: Tensor, values: Sequence[Tensor]) -> Slopes:
        r, z, n, recurrent = values
        by_n = (1 - z) * (1 - n**2)
        by_r = by_n * recurrent * r * (1 - r)
        by_z = (c - n) * z * (1 - z)
        by_inputs = torch.stack([by_r, by_z, by_n], dim=-2)
        by_recurrent = torch.stack([by_r, by_z, by_n * r], dim=-2)
        return Slopes(*(by_inputs, by_recurrent, z) * 2)


STANDARD: dict[str, Cell] = {"lstm": LSTM(), "gru": GRU()}
