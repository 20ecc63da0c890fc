"""Stochastic gradient descent with Nesterov's momentum (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Nesterov:
    """The update of ``torch.optim.SGD(nesterov=True)``, all weights at a time.

    With gradient g, penalty L2, momentum m and learning rate r::

        g <- g + L2 w;  v <- m v + g;  w <- w - r (g + m v)

    Written out here because ``torch.optim`` loads torch's compiler when it is first used, which
    costs each child's process 2 s and 160 MB (torch 2.14).

    Attributes:
        velocity: v, one tensor for each weight, zero at first.
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], momentum: float, weight_decay: float
    ) -> None:
        self.weights = [weight for weight in weights if weight.requires_grad]
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.velocity = [torch.zeros_like(weight, requires_grad=False) for weight in self.weights]

    def clear(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the weights by their gradients, which are overwritten."""
        weights: list[Tensor] = []
        velocity: list[Tensor] = []
        gradients: list[Tensor] = []
        for weight, its_velocity in zip(self.weights, self.velocity, strict=True):
            if weight.grad is not None:
                weights.append(weight)
                velocity.append(its_velocity)
                gradients.append(weight.grad)
        torch._foreach_add_(gradients, weights, alpha=self.weight_decay)
        torch._foreach_mul_(velocity, self.momentum)
        torch._foreach_add_(velocity, gradients)
        torch._foreach_add_(gradients, velocity, alpha=self.momentum)
        torch._foreach_add_(weights, gradients, alpha=-learning_rate)
