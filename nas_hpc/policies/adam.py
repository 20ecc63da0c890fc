"""Adam, on numpy vectors, uphill."""

from __future__ import annotations

import numpy as np


class Adam:
    """Algorithm 1 of Kingma & Ba (2015) with its recommended constants, ascending.

    Each number is updated on its own, so shards updated apart give what the whole vector gives.

    Attributes:
        learning_rate: α.
        version: steps taken.
        first_moment, second_moment: m and v, not corrected for bias, float64 [size].
    """

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, size: int, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.version = 0
        self.first_moment = np.zeros(size)
        self.second_moment = np.zeros(size)

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> None:
        """Move θ, float64 [size], in place along the gradient of what is to grow.

        Raises:
            ValueError: the gradient has another shape or is not finite; nothing has changed then.
        """
        if not theta.shape == gradient.shape == self.first_moment.shape:
            raise ValueError(
                f"θ {theta.shape}, gradient {gradient.shape} and moments "
                f"{self.first_moment.shape} differ in shape"
            )
        if not np.isfinite(gradient).all():
            raise ValueError("the gradient is not finite")
        self.version += 1
        self.first_moment += (1 - self.BETA1) * (gradient - self.first_moment)
        self.second_moment += (1 - self.BETA2) * (gradient**2 - self.second_moment)
        mean = self.first_moment / (1 - self.BETA1**self.version)
        square = self.second_moment / (1 - self.BETA2**self.version)
        theta += self.learning_rate * mean / (np.sqrt(square) + self.EPSILON)

    def restore(self, version: int, first_moment: np.ndarray, second_moment: np.ndarray) -> None:
        """Go on from stored moments, float64 [size] each."""
        self.version = version
        self.first_moment = first_moment.astype(np.float64)
        self.second_moment = second_moment.astype(np.float64)
