"""Random search: uniform, and honest about it."""

import numpy as np
import pytest

from nas_hpc.policies import Request
from nas_hpc.policies.random_search import RandomSearch
from nas_hpc.spaces import enumerate_space
from nas_hpc.spaces.convnet import convnet
from tests.spaces.examples import BRANCHING


def test_random_search_is_uniform_over_tokens_and_says_so():
    strategy = RandomSearch(convnet(), seed=1)
    requests = [Request(i, {"depth": 3}) for i in range(2000)]
    proposals = strategy.ask(requests)
    for proposal in proposals:
        assert proposal.log_probability == pytest.approx(-(9 * np.log(4) + 3 * np.log(2)))
        assert proposal.entropy == -proposal.log_probability
    tokens = np.array([[token for _, token in p.tokens] for p in proposals])
    assert tokens.shape == (2000, 12)
    for column in tokens.T:
        counts = np.bincount(column)
        assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 21  # p < 0.00013 each


def test_random_search_is_a_probability_on_a_space_that_branches():
    walks = list(enumerate_space(BRANCHING, {"nodes": 2}))
    known = {}
    for proposal in RandomSearch(BRANCHING, 1).ask([Request(i, {"nodes": 2}) for i in range(8000)]):
        known[proposal.tokens] = proposal.log_probability
    assert set(known) == {walk.tokens for walk in walks}
    assert np.exp(list(known.values())).sum() == pytest.approx(1, abs=1e-12)


def test_random_search_proposes_each_sample_alike_and_has_no_state():
    strategy = RandomSearch(convnet(), seed=1)
    requests = [Request(i, {"depth": 3}) for i in range(10)]
    together = strategy.ask(requests)
    strategy.tell([])
    other = RandomSearch(convnet(), seed=1)
    other.load(strategy.state())
    assert [other.ask([request])[0] for request in requests[::-1]] == together[::-1]
    assert RandomSearch(convnet(), seed=2).ask(requests) != together
    assert strategy.state() == {}
