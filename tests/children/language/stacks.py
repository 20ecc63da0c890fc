"""Stacks of recurrent cells in float64, what they are given, and what is compared of them."""

import numpy as np
import torch
from torch import nn

from nas_hpc.children.language.stack import build_stack
from nas_hpc.spaces import draw
from nas_hpc.spaces.recurrent_cell import (
    ACTIVATIONS,
    COMBINATIONS,
    Node,
    RecurrentCell,
    recurrent_cell,
)

INPUT, HIDDEN, BATCH = 3, 4, 2
EXAMPLE = RecurrentCell(
    (Node("add", "tanh"), Node("elem_mult", "relu"), Node("elem_mult", "sigmoid")),
    inject=Node("add", "relu"),
    taken_from=1,
    injected_at=0,
)


def random_cell(base, seed):
    space = recurrent_cell(base, COMBINATIONS, ACTIVATIONS)
    return draw(space, {}, np.random.default_rng(seed)).architecture


def made(cell, layers=2, **options):
    """A stack in float64 with weights large enough to make the cells non-linear."""
    torch.manual_seed(0)
    stack = build_stack(cell, INPUT, HIDDEN, layers, **options).double()
    for parameter in stack.parameters():
        nn.init.uniform_(parameter, -1, 1)
    return stack


def given(steps=5, layers=2):
    torch.manual_seed(1)
    sizes = (steps, BATCH, INPUT), (layers, BATCH, HIDDEN), (layers, BATCH, HIDDEN)
    return [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in sizes]


def gradients(results, inputs):
    """Of a sum with arbitrary weights of all results."""
    torch.manual_seed(2)
    total = sum((torch.randn_like(each) * each).sum() for each in results)
    return torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
