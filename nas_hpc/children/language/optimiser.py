"""Gradient descent and Adam, with gradients of bounded length.

Written out for the reason that `nas_hpc.children.nesterov` gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Descent:
    """The update of ``torch.optim.SGD`` without momentum, all weights at a time.

    With gradient g, its bound G, penalty L2 and learning rate r::

        g <- g min(1, G / |g|);  g <- g + L2 w;  w <- w - r g

    where |g| is the length over all weights together, as in ``torch.nn.utils.clip_grad_norm_``.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], gradient_bound: float, weight_decay: float
    ) -> None:
        self.weights: list[Tensor] = [weight for weight in weights if weight.requires_grad]
        self.gradient_bound = gradient_bound
        self.weight_decay = weight_decay

    def clear(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the weights by their gradients, which are overwritten."""
        gradients = [
            torch.zeros_like(weight) if weight.grad is None else weight.grad
            for weight in self.weights
        ]
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (self.gradient_bound / (length + 1e-6)).clamp(max=1.0))
        if self.weight_decay:
            torch._foreach_add_(gradients, self.weights, alpha=self.weight_decay)
        self._update(gradients, learning_rate)

    def state(self) -> dict[str, Any]:
        """What the next step depends on beside the weights."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""

    def _update(self, gradients: list[Tensor], learning_rate: float) -> None:
        torch._foreach_add_(self.weights, gradients, alpha=-learning_rate)


class Adam(Descent):
    """The update of ``torch.optim.Adam`` with its usual constants, after the same bound on g."""

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(
        self, weights: Iterable[nn.Parameter], gradient_bound: float, weight_decay: float
    ) -> None:
        super().__init__(weights, gradient_bound, weight_decay)
        self.steps = 0
        self.means, self.squares = (
            [torch.zeros_like(weight, requires_grad=False) for weight in self.weights]
            for _ in range(2)
        )

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps, "means": self.means, "squares": self.squares}

    def load(self, state: dict[str, Any]) -> None:
        self.steps, self.means, self.squares = state["steps"], state["means"], state["squares"]

    def _update(self, gradients: list[Tensor], learning_rate: float) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.means, gradients, 1 - self.BETA1)
        torch._foreach_mul_(self.squares, self.BETA2)
        torch._foreach_addcmul_(self.squares, gradients, gradients, 1 - self.BETA2)
        lengths = torch._foreach_sqrt(self.squares)
        torch._foreach_div_(lengths, (1 - self.BETA2**self.steps) ** 0.5)
        torch._foreach_add_(lengths, self.EPSILON)
        rate = learning_rate / (1 - self.BETA1**self.steps)
        torch._foreach_addcdiv_(self.weights, self.means, lengths, -rate)


OPTIMISERS: dict[str, type[Descent]] = {"sgd": Descent, "adam": Adam}
"""By ``training.optimiser``."""
