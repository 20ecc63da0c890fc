"""Controller replicas: propose architectures, and turn rewards into gradients.

A replica's gradient is taken under the parameters under which it sampled, so those are kept until
the rewards are in. Replicas of one rank share them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Protocol

from nas_hpc.policies.strategy import Lesson, Strategy
from nas_hpc.search.messages import LearnOrder, Sampled, SampleOrder, StrategyState, Vector


class Parameters(Protocol):
    """The parameter servers as a replica sees them."""

    def pull(self, ticket: int) -> tuple[int, Vector]:
        """The newest version, at least the one with ``ticket`` applied, and its θ, float64 [n]."""
        ...

    def push(self, ticket: int, gradient: Vector) -> None:
        """Add a gradient, float64 [n], under its ticket."""
        ...


class Replicas:
    """The replicas that one rank carries.

    Args:
        strategy: shared by them; a replicated one has no state but θ.
        parameters: the servers; None for a single strategy.
    """

    def __init__(self, strategy: Strategy, parameters: Parameters | None) -> None:
        self._strategy = strategy
        self._parameters = parameters
        self._thetas: dict[int, Vector] = {}
        self._sampled: dict[int, int] = {}

    def sample(self, order: SampleOrder) -> Sampled:
        """Propose under the newest parameters, and keep those."""
        version = 0
        if self._parameters is not None:
            version, theta = self._parameters.pull(ticket=0)
            self._strategy.load({"theta": theta})
            self._thetas[version] = theta
            self._sampled |= {request.sample: version for request in order.requests}
        proposals = self._strategy.ask(order.requests)
        return Sampled(order.replica, order.batch, version, tuple(proposals))

    def learn(self, order: LearnOrder) -> None:
        """Push the gradient of the lessons, each under the parameters of its sample."""
        if self._parameters is None:
            self._strategy.tell(order.lessons)
            return
        self._parameters.push(order.ticket, self._gradient(order))
        self._release(lesson.sample for lesson in order.lessons)
        self._release(order.dropped)

    def state(self, ticket: int) -> StrategyState:
        """The state of a single strategy, after the orders so far."""
        return StrategyState(ticket, json.dumps(self._strategy.state(), sort_keys=True))

    def load(self, state: str) -> None:
        """Go on from a single strategy's state."""
        self._strategy.load(json.loads(state))

    def _gradient(self, order: LearnOrder) -> Vector:
        assert self._parameters is not None
        groups: dict[int | None, list[Lesson]] = {}
        for lesson, version in zip(order.lessons, order.versions, strict=True):
            kept = self._sampled.get(lesson.sample) == version
            groups.setdefault(version if kept else None, []).append(lesson)
        total: Vector | None = None
        for kept_version, lessons in groups.items():
            if kept_version is None:
                _, theta = self._parameters.pull(order.ticket - 1)
            else:
                theta = self._thetas[kept_version]
            self._strategy.load({"theta": theta})
            gradient = self._strategy.tell(lessons)
            assert gradient is not None, "a replicated strategy returns a gradient"
            part = gradient * (len(lessons) / len(order.lessons))
            total = part if total is None else total + part
        assert total is not None, "a lesson has samples"
        return total

    def _release(self, samples: Iterable[int]) -> None:
        for sample in samples:
            self._sampled.pop(sample, None)
        used = set(self._sampled.values())
        self._thetas = {v: theta for v, theta in self._thetas.items() if v in used}
