"""A search in one process: the strategy, the baseline and Adam, on a reward that is a function."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from nas_hpc.experiment.model import Controller as ControllerConfig
from nas_hpc.policies import Adam, Baseline, Lesson, Proposal, Request
from nas_hpc.policies.controller import Answer, Controller
from nas_hpc.policies.reinforce import Reinforce
from nas_hpc.spaces import Space, Walk, enumerate_space, replay

Reward = Callable[[int, Any], float]
"""From the sample's number and the architecture."""


class Learner:
    """Batches of one replica, applied at once.

    Attributes:
        strategy: whose θ is the only one.
        samples: asked for so far.
    """

    def __init__(self, space: Space, arguments: dict, config: ControllerConfig, seed: int) -> None:
        self.space, self.arguments = space, arguments
        self.strategy = Reinforce(space, config, seed)
        self.theta = self.strategy.state()["theta"]
        self.baseline = Baseline(config.baseline_decay, config.advantage_bound)
        self.adam = Adam(len(self.theta), config.learning_rate)
        self.samples = 0

    def learn(self, children: int, reward: Reward) -> list[Proposal]:
        """Sample, score and learn from one batch."""
        numbers = range(self.samples, self.samples + children)
        self.samples += children
        proposals = self.strategy.ask([Request(number, self.arguments) for number in numbers])
        rewards = [
            reward(p.sample, replay(self.space, self.arguments, p.tokens)) for p in proposals
        ]
        lessons = [
            Lesson(p.sample, self.arguments, p.tokens, advantage, reward)
            for p, advantage, reward in zip(
                proposals, self.baseline.advantages(rewards), rewards, strict=True
            )
        ]
        self.adam.step(self.theta, self.strategy.tell(lessons))
        self.strategy.load({"theta": self.theta})
        return proposals


class Enumerated:
    """All architectures of a small space, and the policy's probabilities of them."""

    def __init__(self, space: Space, arguments: dict) -> None:
        self.space, self.arguments = space, arguments
        walks = list(enumerate_space(space, arguments))
        self.tokens = [walk.tokens for walk in walks]
        self.architectures = [walk.architecture for walk in walks]

    def log_probabilities(self, strategy: Reinforce) -> np.ndarray:
        """Of each architecture, float64 [architectures]."""
        return self.log_probabilities_and_entropies(strategy)[0]

    def log_probabilities_and_entropies(self, strategy: Reinforce) -> tuple[np.ndarray, np.ndarray]:
        """Of each architecture, float64 [architectures] each."""
        theta = torch.from_numpy(strategy.state()["theta"])
        walks = [Walk(self.space, self.arguments) for _ in self.tokens]
        answers = [recited(tokens) for tokens in self.tokens]
        with torch.no_grad():
            both = Controller(strategy.layout, theta).follow(walks, answers)
        return both[0].numpy(), both[1].numpy()

    def mean(self, strategy: Reinforce, values: np.ndarray) -> float:
        """The policy's expectation of a number for each architecture."""
        return float(np.exp(self.log_probabilities(strategy)) @ values)


def recited(tokens: tuple) -> Answer:
    """Answers from stored tokens."""
    values: Iterator[int] = iter([token for _, token in tokens])
    return lambda walk, table: [next(values) for _ in walk.paths()]
