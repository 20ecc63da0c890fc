"""REINFORCE: what it samples, and its gradient against finite differences."""

import dataclasses

import numpy as np
import pytest
import torch

from nas_hpc.experiment.model import Controller as ControllerConfig
from nas_hpc.policies import Lesson, Request
from nas_hpc.policies.reinforce import Reinforce
from nas_hpc.spaces import SpaceError, draw, replay
from nas_hpc.spaces.convnet import convnet
from tests.policies.learning import Enumerated
from tests.spaces.examples import BRANCHING

torch.set_num_threads(1)
CONFIG = ControllerConfig(hidden=4, layers=2, initial_range=0.8)


def lessons_of(proposals, arguments, advantages):
    return [
        Lesson(p.sample, arguments, p.tokens, advantage, advantage)
        for p, advantage in zip(proposals, advantages, strict=True)
    ]


@pytest.mark.parametrize(
    ("space", "arguments"), [(BRANCHING, {"nodes": 4}), (convnet(), {"depth": 5})]
)
def test_a_proposal_knows_nothing_of_its_batch(space, arguments):
    strategy = Reinforce(space, CONFIG, seed=1)
    requests = [Request(i, arguments) for i in range(12)]
    together = strategy.ask(requests)
    assert [p.sample for p in together] == list(range(12))
    assert [strategy.ask([request])[0] for request in reversed(requests)] == together[::-1]
    assert Reinforce(space, CONFIG, seed=1).ask(requests[3:7]) == together[3:7]
    assert len({p.tokens for p in together}) > 6


def test_a_proposal_depends_on_seed_sample_arguments_and_theta():
    space = convnet()

    def tokens(seed=1, sample=0, depth=4, shift=0.0):
        strategy = Reinforce(space, CONFIG, seed)
        strategy.load({"theta": strategy.state()["theta"] + shift})
        return strategy.ask([Request(sample, {"depth": depth})])[0].tokens

    assert tokens() == tokens()
    assert len({tokens(), tokens(seed=2), tokens(sample=1), tokens(shift=3.0)}) == 4
    assert len(tokens(depth=6)) == 6 * 3 + 15
    # The numbers drawn are the same, so a deeper network starts with the same layers.
    assert tokens(depth=6)[: len(tokens())] == tokens()


@pytest.mark.parametrize(
    ("space", "arguments"),
    [(BRANCHING, {"nodes": 2}), (convnet((1, 3), (1,), (8, 9)), {"depth": 2})],
)
def test_the_log_probability_returned_is_that_of_the_stored_tokens(space, arguments):
    strategy = Reinforce(space, CONFIG, seed=1)
    all_of_them = Enumerated(space, arguments)
    log_probabilities = all_of_them.log_probabilities(strategy)
    recomputed = dict(zip(all_of_them.tokens, log_probabilities, strict=True))
    for proposal in strategy.ask([Request(i, arguments) for i in range(50)]):
        assert replay(space, arguments, proposal.tokens) is not None
        assert proposal.log_probability == pytest.approx(recomputed[proposal.tokens], abs=1e-12)


def directions(strategy):
    """A random direction within each parameter, and one through all of θ."""
    rng = np.random.default_rng(11)
    everything = rng.normal(size=strategy.layout.size)
    for name in strategy.layout.views(everything):
        direction = np.zeros(strategy.layout.size)
        view = strategy.layout.views(direction)[name]
        view[...] = rng.normal(size=view.shape)
        yield name, direction
    yield "all", everything


@pytest.mark.parametrize(("entropy_weight", "every"), [(0.0, 1), (0.3, 4)])
def test_the_gradient_is_that_of_the_expected_reward(entropy_weight, every):
    """Expectation by enumeration against central differences of the expectation itself.

    With its weight 0.3, the entropy of the walks that are told enters as well: what is differenced
    is then their mean as tell's docstring says, since the gradient follows each walk's entropies.
    """
    config = CONFIG.model_copy(update={"entropy_weight": entropy_weight})
    strategy = Reinforce(BRANCHING, config, seed=4)
    all_of_them = Enumerated(BRANCHING, {"nodes": 2})
    rewards = np.random.default_rng(0).uniform(0, 1, len(all_of_them.tokens))
    theta = strategy.state()["theta"]
    probabilities = np.exp(all_of_them.log_probabilities(strategy))
    lessons = [
        Lesson(i, {"nodes": 2}, tokens, len(probabilities) * p * reward, reward)
        for i, (tokens, p, reward) in enumerate(
            zip(all_of_them.tokens, probabilities, rewards, strict=True)
        )
    ]
    gradient = strategy.tell(lessons)
    assert gradient.shape == theta.shape
    assert gradient.dtype == np.float64

    def objective(moved):
        strategy.load({"theta": moved})
        log_probabilities, entropies = all_of_them.log_probabilities_and_entropies(strategy)
        return np.exp(log_probabilities) @ rewards + entropy_weight * entropies.mean()

    step = 1e-5
    for name, direction in list(directions(strategy))[::-every]:
        slope = objective(theta + step * direction) - objective(theta - step * direction)
        expected = slope / (2 * step)
        assert gradient @ direction == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_the_gradient_is_the_mean_over_lessons():
    arguments = {"nodes": 3}
    strategy = Reinforce(BRANCHING, CONFIG, seed=4)
    proposals = strategy.ask([Request(i, arguments) for i in range(4)])
    lessons = lessons_of(proposals, arguments, [0.3, -0.2, 0.0, 1.0])
    apart = [strategy.tell([lesson]) for lesson in lessons]
    np.testing.assert_allclose(strategy.tell(lessons), np.mean(apart, axis=0), atol=1e-14)
    assert not apart[2].any()
    assert np.array_equal(strategy.tell(lessons), strategy.tell(lessons))


def test_lessons_of_different_depths_in_one_batch():
    strategy = Reinforce(convnet(), CONFIG, seed=4)
    requests = [Request(i, {"depth": depth}) for i, depth in enumerate((2, 5, 1))]
    lessons = [
        Lesson(p.sample, r.arguments, p.tokens, 1.0, 1.0)
        for r, p in zip(requests, strategy.ask(requests), strict=True)
    ]
    apart = [strategy.tell([lesson]) for lesson in lessons]
    np.testing.assert_allclose(strategy.tell(lessons), np.mean(apart, axis=0), atol=1e-14)


def test_an_unused_parameter_has_no_gradient():
    strategy = Reinforce(convnet(), CONFIG, seed=4)
    (proposal,) = strategy.ask([Request(0, {"depth": 1})])
    gradient = strategy.tell(lessons_of([proposal], {"depth": 1}, [1.0]))
    views = strategy.layout.views(gradient)
    assert not views["anchors/score"].any()
    assert not views["embedding of filters"].any()
    assert views["softmax of filters/weight"].any()


def test_tokens_that_do_not_belong_are_refused():
    space, arguments = convnet(), {"depth": 2}
    strategy = Reinforce(space, CONFIG, seed=4)
    tokens = draw(space, arguments, np.random.default_rng(0)).tokens
    lesson = Lesson(0, arguments, tokens, 1.0, 1.0)
    for wrong, message in [
        (tokens[:-1], "asks for"),
        (tokens[::-1], "asks for"),
        ((*tokens, ("layer 2/filters", 0)), "more tokens than"),
        (((tokens[0][0], 9), *tokens[1:]), "token 9 is not one of"),
    ]:
        with pytest.raises(SpaceError, match=message):
            strategy.tell([dataclasses.replace(lesson, tokens=wrong)])
    with pytest.raises(ValueError, match="nothing to learn from"):
        strategy.tell([])


def test_a_state_is_restored_and_not_shared():
    strategy, other = (Reinforce(convnet(), CONFIG, seed) for seed in (1, 2))
    state = strategy.state()
    other.load(state)
    assert np.array_equal(other.state()["theta"], strategy.state()["theta"])
    state["theta"][:] = 0
    assert other.state()["theta"].any()
    with pytest.raises(ValueError, match="θ has"):
        strategy.load({"theta": np.zeros(3)})
