"""A parameter-server shard: a slice of the controller's parameters, and Adam on it.

Gradients are applied in the order of their tickets, one global order for all shards (the paper's
servers apply them as they come). So the parameters after a ticket are one well-defined vector,
whatever the ranks' timing: "the state right after ticket t" is a consistent cut without stopping
anybody, and a finished search can be computed again from its records.
"""

from __future__ import annotations

import numpy as np

from nas_hpc.experiment import Experiment
from nas_hpc.policies.adam import Adam
from nas_hpc.search.messages import Push, ShardState, ShardValues, Vector


class Shard:
    """One slice of the parameters.

    Args:
        number: which shard, from 0.
        theta: its first parameters, float64 [n].
        experiment: for the learning rate and the number of gradients averaged into one update.
    """

    def __init__(self, number: int, theta: Vector, experiment: Experiment) -> None:
        self.number = number
        self.theta = theta.copy()
        self.ticket = 0
        self.version = 0
        self._adam = Adam(theta.size, experiment.controller.learning_rate)
        self._per_update = experiment.controller.gradients_per_update
        self._accumulated = np.zeros_like(theta)
        self._count = 0
        self._early: dict[int, Vector] = {}

    def push(self, message: Push) -> None:
        """Apply the gradient now, or once all earlier tickets are in."""
        if message.ticket <= self.ticket or message.ticket in self._early:
            raise ValueError(f"shard {self.number}: ticket {message.ticket} was pushed twice")
        self._early[message.ticket] = message.gradient
        while self.ticket + 1 in self._early:
            self._apply(self._early.pop(self.ticket + 1))

    def values(self) -> ShardValues:
        """The parameters as they are."""
        return ShardValues(self.number, self.version, self.theta.copy())

    def state(self) -> ShardState:
        """Everything that a checkpoint needs."""
        return ShardState(
            shard=self.number,
            ticket=self.ticket,
            version=self.version,
            theta=self.theta.copy(),
            first_moment=self._adam.first_moment.copy(),
            second_moment=self._adam.second_moment.copy(),
            accumulated=self._accumulated.copy(),
            accumulated_count=self._count,
        )

    def load(self, state: ShardState) -> None:
        """Go on from a checkpoint."""
        self.ticket, self.version = state.ticket, state.version
        self.theta = state.theta.copy()
        self._adam.restore(state.version, state.first_moment, state.second_moment)
        self._accumulated, self._count = state.accumulated.copy(), state.accumulated_count

    def _apply(self, gradient: Vector) -> None:
        self.ticket += 1
        self._accumulated += gradient
        self._count += 1
        if self._count == self._per_update:
            self._adam.step(self.theta, self._accumulated / self._count)
            self.version += 1
            self._accumulated = np.zeros_like(self.theta)
            self._count = 0
