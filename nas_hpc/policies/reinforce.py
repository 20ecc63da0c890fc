"""REINFORCE on the LSTM controller."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas_hpc.experiment.model import Controller as ControllerConfig
from nas_hpc.policies.controller import Answer, Controller
from nas_hpc.policies.strategy import Lesson, Proposal, Request, generator
from nas_hpc.policies.theta import Layout, initial
from nas_hpc.spaces import Space, SpaceError, Tokens, Walk


class Reinforce:
    """The paper's strategy (section 3.2); `Strategy` says what its methods do.

    Args:
        space: what is searched.
        config: of the controller.
        seed: of the experiment.
    """

    replicated = True

    def __init__(self, space: Space, config: ControllerConfig, seed: int) -> None:
        self.space, self.config, self.seed = space, config, seed
        self.layout = Layout(space.kinds, config.hidden, config.layers)
        self._theta = torch.from_numpy(initial(self.layout, seed, config.initial_range))

    def ask(self, requests: Sequence[Request]) -> list[Proposal]:
        """Sample from the policy, one at a time: so a proposal's bits know no batch."""
        with torch.no_grad():
            return [self._sample(request) for request in requests]

    def tell(self, lessons: Sequence[Lesson]) -> np.ndarray:
        """The gradient of mean_k [advantage_k log P(tokens_k) + entropy_weight entropy_k].

        Raises:
            SpaceError: tokens do not belong to the space and the arguments.
            ValueError: there are no lessons.
        """
        if not lessons:
            raise ValueError("nothing to learn from")
        theta = self._theta.detach().requires_grad_()
        walks = [Walk(self.space, lesson.arguments) for lesson in lessons]
        answers = [_stored(lesson.tokens) for lesson in lessons]
        log_probabilities, entropies = Controller(self.layout, theta).follow(walks, answers)
        for walk, lesson in zip(walks, lessons, strict=True):
            if walk.tokens != tuple(lesson.tokens):
                raise SpaceError(f"sample {lesson.sample} has more tokens than its walk")
        advantages = theta.new_tensor([lesson.advantage for lesson in lessons])
        objective = advantages * log_probabilities + self.config.entropy_weight * entropies
        (gradient,) = torch.autograd.grad(objective.mean(), theta)
        return gradient.numpy()

    def state(self) -> dict[str, Any]:
        """θ under the name ``theta``, float64 [n]."""
        return {"theta": self._theta.numpy().copy()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Sample and differentiate at another θ."""
        theta = np.array(state["theta"], dtype=np.float64)
        self.layout.views(theta)
        self._theta = torch.from_numpy(theta)

    def _sample(self, request: Request) -> Proposal:
        walk = Walk(self.space, request.arguments)
        answer = _drawn(generator(self.seed, request.sample))
        (log_probability,), (entropy,) = Controller(self.layout, self._theta).follow(
            [walk], [answer]
        )
        return Proposal(request.sample, walk.tokens, float(log_probability), float(entropy))


def _drawn(rng: np.random.Generator) -> Answer:
    """Answers drawn from the policy, with one uniform number for each token."""

    def answer(walk: Walk, table: Tensor) -> list[int]:
        cumulated = table.exp().numpy().cumsum(axis=1)
        cumulated /= cumulated[:, -1:]
        places = (cumulated <= rng.random((len(cumulated), 1))).sum(axis=1)
        return [values[place] for values, place in zip(walk.allowed(), places, strict=True)]

    return answer


def _stored(tokens: Tokens) -> Answer:
    """Answers that were given before."""
    left = iter(tokens)

    def answer(walk: Walk, table: Tensor) -> list[int]:
        paths = walk.paths()
        given = list(itertools.islice(left, len(paths)))
        if tuple(path for path, _ in given) != paths:
            raise SpaceError(f"the space asks for {paths} where the tokens have {given}")
        return [token for _, token in given]

    return answer
