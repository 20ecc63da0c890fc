"""The combinations and activations of the space of recurrent cells, and their derivatives.

As in torch, the derivative of relu at 0 is 0, and that of max by each of two equals is 1/2. None
stands for a derivative of 1 throughout.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "elem_mult": torch.mul,
    "max": torch.maximum,
}
ACTIVATE: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda value: value,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "sin": torch.sin,
}


def by_operands(combination: str, one: Tensor, other: Tensor) -> tuple[Tensor | None, ...]:
    """The derivatives of a combination by its two operands."""
    if combination == "elem_mult":
        return other, one
    if combination == "max":
        share = (torch.sign(one - other) + 1) / 2
        return share, 1 - share
    return None, None


def by_input(activation: str, result: Tensor, given: Tensor | None) -> Tensor | None:
    """The derivative of an activation, from its result; sin needs what it was given as well."""
    match activation:
        case "tanh":
            return 1 - result * result
        case "sigmoid":
            return result - result * result
        case "relu":
            return torch.sign(result)
        case "sin":
            assert given is not None
            return torch.cos(given)
    return None


def times(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The product of two derivatives."""
    if one is None or other is None:
        return other if one is None else one
    return one * other
