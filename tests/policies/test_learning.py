"""Strategy, baseline and Adam together: they find what is best, and one failure does not stop them.

`Learner` is a search in one process; rewards are functions of the architecture.
"""

import numpy as np
import pytest
import torch

from nas_hpc.experiment.model import Controller as ControllerConfig
from nas_hpc.spaces import replay
from nas_hpc.spaces.convnet import ConvLayer, ConvNet, convnet
from tests.policies.learning import Enumerated, Learner

torch.set_num_threads(1)

BEST = ConvNet((ConvLayer(5, 3, 64, 1, 1, ()), ConvLayer(7, 1, 24, 1, 1, (0,))))
"""One of the 64 x 64 x 2 = 8,192 networks of two layers."""


def likeness(number: int, net: ConvNet) -> float:
    """The cubed part of the seven decisions that are as in `BEST`."""
    pairs = list(zip(net.layers, BEST.layers, strict=True))
    sizes = [
        getattr(a, f) == getattr(b, f) for a, b in pairs for f in ("height", "width", "filters")
    ]
    return ((sum(sizes) + (net.layers[1].inputs == BEST.layers[1].inputs)) / 7) ** 3


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_optimum(seed):
    """Within 600 samples, of which uniform ones would find it with a probability of 7%."""
    config = ControllerConfig(learning_rate=0.006)
    learner = Learner(convnet(), {"depth": 2}, config, seed)
    found = False
    while not found and learner.samples < 600:
        proposals = learner.learn(8, likeness)
        nets = [replay(convnet(), {"depth": 2}, p.tokens) for p in proposals]
        found = BEST in nets
    assert found


SMALL = convnet((1, 3, 5), (1, 3), (8, 16))
ARGUMENTS = {"depth": 1}


def gain(seed: int, bound: float | None, failed: int | None) -> float:
    """Growth of the expected reward by 8 batches of 8; the sample ``failed`` has reward 0."""
    config = ControllerConfig(hidden=12, learning_rate=0.02, advantage_bound=bound)
    learner = Learner(SMALL, ARGUMENTS, config, seed)
    networks = Enumerated(SMALL, ARGUMENTS)
    rewards = np.random.default_rng(1).normal(0.7, 0.02, len(networks.architectures))
    reward_of = dict(zip(networks.architectures, rewards.tolist(), strict=True))
    before = networks.mean(learner.strategy, rewards)
    for _ in range(8):
        learner.learn(8, lambda number, net: 0.0 if number == failed else reward_of[net])
    return networks.mean(learner.strategy, rewards) - before


FAILURES = {0: 0, 1: 5, 2: 10, 3: 25, 4: 40, 5: 61}
"""For each seed, which sample fails: in the first batch, in the last, and between."""


def learning_left(bound: float | None) -> float:
    """The part of the gain that is left with one failure, over all seeds."""
    undisturbed = sum(gain(seed, bound, None) for seed in FAILURES)
    return sum(gain(seed, bound, failed) for seed, failed in FAILURES.items()) / undisturbed


def test_one_failed_child_leaves_nine_tenths_of_the_learning():
    assert learning_left(ControllerConfig().advantage_bound) >= 0.9


def test_without_the_bound_one_failed_child_takes_a_good_part_of_it():
    """So the test above can fail."""
    assert learning_left(None) < 0.7
