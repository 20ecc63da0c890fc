"""Random search: every token uniform over the values it may take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nas_hpc.policies.strategy import Lesson, Proposal, Request, generator
from nas_hpc.spaces import Space, complete


class RandomSearch:
    """The strategy to compare with; `Strategy` says what its methods do.

    Args:
        space: what is searched.
        seed: of the experiment.
    """

    replicated = False

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed

    def ask(self, requests: Sequence[Request]) -> list[Proposal]:
        """Draw one architecture for each request."""
        return [self._draw(request) for request in requests]

    def tell(self, lessons: Sequence[Lesson]) -> None:
        """Learn nothing."""

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""

    def _draw(self, request: Request) -> Proposal:
        rng = generator(self.seed, request.sample)
        widths: list[int] = []

        def choose(path: str, values: Sequence[int]) -> int:
            widths.append(len(values))
            return values[int(rng.integers(len(values)))]

        walk = complete(self.space, request.arguments, choose)
        entropy = math.fsum(math.log(width) for width in widths)
        return Proposal(request.sample, walk.tokens, -entropy, entropy)
