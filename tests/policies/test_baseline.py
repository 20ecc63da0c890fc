"""The moving average of previous rewards, and the bound that keeps one failure from dominating."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_hpc.policies import Baseline

rewards = st.floats(-1e6, 1e6)


@given(st.lists(rewards, min_size=2, max_size=8), st.lists(st.lists(rewards, max_size=8)))
def test_unbounded_it_is_the_plain_moving_average_of_previous_rewards(first, batches):
    baseline = Baseline(0.9, None)
    expected = [r - np.mean(first[:i] + first[i + 1 :]) for i, r in enumerate(first)]
    np.testing.assert_allclose(baseline.advantages(first), expected, atol=1e-6, rtol=1e-9)
    average = np.mean(first)
    for batch in batches:
        expected = [reward - average for reward in batch]
        np.testing.assert_allclose(baseline.advantages(batch), expected, atol=1e-6, rtol=1e-9)
        for reward in batch:
            average = 0.9 * average + 0.1 * reward
        assert baseline.state()[0] == pytest.approx(average, abs=1e-6, rel=1e-9)


def test_a_reward_does_not_enter_its_own_baseline():
    for last in (0.5, 0.9):
        baseline = Baseline(0.9, None)
        baseline.advantages([0.4, 0.6])
        assert baseline.advantages([last]) == [pytest.approx(last - 0.5)]


def test_the_first_reward_of_batches_of_one_only_initialises():
    baseline = Baseline(0.9, 3.0)
    assert all(math.isnan(number) for number in baseline.state())
    assert baseline.advantages([0.7]) == [0.0]
    assert baseline.state()[0] == 0.7
    assert baseline.advantages([0.8]) == [pytest.approx(0.1)]


def test_nothing_is_learned_from_nothing():
    baseline = Baseline(0.9, 3.0)
    assert baseline.advantages([]) == []
    assert math.isnan(baseline.state()[0])
    baseline.advantages([0.1, 0.2])
    before = baseline.state()
    assert baseline.advantages([]) == []
    assert baseline.state() == before


def usual(count, seed=0):
    return np.random.default_rng(seed).normal(0.7, 0.02, count).tolist()


def fed(baseline, rewards, batch=8):
    return [
        advantage
        for i in range(0, len(rewards), batch)
        for advantage in baseline.advantages(rewards[i : i + batch])
    ]


@pytest.mark.parametrize("failed", [0, 5, 8, 20, 63])
def test_one_failure_is_bounded_and_hardly_moves_the_average(failed):
    good = usual(64)
    bad = [0.0 if i == failed else reward for i, reward in enumerate(good)]
    undisturbed, disturbed = Baseline(0.95, 3.0), Baseline(0.95, 3.0)
    fed(undisturbed, good)
    advantages = fed(disturbed, bad)
    assert -0.15 < advantages[failed] < -0.02
    assert disturbed.state()[0] == pytest.approx(undisturbed.state()[0], abs=0.01)
    assert disturbed.state()[1] < 2 * undisturbed.state()[1]


@pytest.mark.parametrize("absurd", [-1e9, 1e9])
def test_one_reward_at_most_doubles_the_usual_deviation(absurd):
    baseline = Baseline(0.95, 3.0)
    fed(baseline, usual(64))
    before = baseline.state()[1]
    baseline.advantages([absurd])
    assert before < baseline.state()[1] <= 2 * before


def test_usual_rewards_are_not_touched():
    plain, bounded = Baseline(0.95, None), Baseline(0.95, 10.0)
    np.testing.assert_allclose(fed(bounded, usual(400)), fed(plain, usual(400)), atol=1e-12)


@pytest.mark.parametrize("bound", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("shift", [-0.6, 0.25, 100.0])
def test_a_lasting_shift_is_followed(bound, shift):
    baseline = Baseline(0.95, bound)
    fed(baseline, usual(200))
    fed(baseline, [reward + shift for reward in usual(300, seed=1)])
    assert baseline.state()[0] == pytest.approx(0.7 + shift, abs=0.1 * abs(shift))


@pytest.mark.parametrize("constant", [0.0, 0.7, 1 / 3, -2.0])
@pytest.mark.parametrize("batch", [1, 8])
def test_it_learns_after_equal_rewards(constant, batch):
    baseline = Baseline(0.95, 3.0)
    assert fed(baseline, [constant] * 64, batch) == pytest.approx([0.0] * 64, abs=1e-12)
    better = baseline.advantages([constant] * 7 + [constant + 0.05])
    assert better[-1] == pytest.approx(0.05)
    assert baseline.advantages([constant + 0.05])[0] > 0.04


def test_it_learns_when_most_children_of_the_first_batch_fail():
    advantages = Baseline(0.95, 3.0).advantages([0.0, 0.0, 0.6, 0.0, 0.0, 0.7, 0.0, 0.0])
    assert advantages[5] > advantages[2] > 0.3
    assert all(advantages[i] < 0 for i in (0, 1, 3, 4, 6, 7))


@pytest.mark.parametrize("rare", [0.0, 0.7])
def test_one_child_in_twenty_that_differs_keeps_counting(rare):
    rng = np.random.default_rng(2)
    rewards = np.where(rng.random(4000) < 0.05, rare, 0.7 - rare).tolist()
    baseline = Baseline(0.95, 3.0)
    late = fed(baseline, rewards)[2000:]
    counted = [abs(a) for a, r in zip(late, rewards[2000:], strict=True) if r == rare]
    assert min(counted) > 0.02


def test_it_learns_again_after_a_long_time_of_almost_equal_rewards():
    rng = np.random.default_rng(3)
    baseline = Baseline(0.95, 3.0)
    fed(baseline, usual(64))
    fed(baseline, (0.7 + 1e-5 * rng.normal(size=2000)).tolist())
    fed(baseline, usual(100, seed=4))
    plain = np.abs(np.array(usual(100, seed=5)) - 0.7).mean()
    assert np.abs(fed(baseline, usual(100, seed=5))).mean() > 0.8 * plain


@given(st.lists(st.lists(rewards, min_size=1, max_size=8), min_size=1, max_size=10))
def test_a_restored_one_goes_on_with_the_same_bits(batches):
    baseline = Baseline(0.95, 3.0)
    for batch in batches[:-1]:
        baseline.advantages(batch)
    other = Baseline(0.95, 3.0)
    other.restore(*baseline.state())
    assert other.advantages(batches[-1]) == baseline.advantages(batches[-1])
    assert other.state() == baseline.state()


@given(st.lists(st.lists(rewards, min_size=1, max_size=8), min_size=2, max_size=20))
def test_only_what_is_below_the_baseline_is_bounded_and_signs_are_right(batches):
    baseline = Baseline(0.95, 3.0)
    baseline.advantages(batches[0])
    for batch in batches[1:]:
        value, deviation = baseline.state()
        for reward, advantage in zip(batch, baseline.advantages(batch), strict=True):
            assert advantage * (reward - value) >= 0
            if deviation > 1e-5 * abs(value):
                assert advantage >= -3.0 * deviation
            if reward > value:
                assert advantage == reward - value
        assert baseline.state()[1] >= 0


@pytest.mark.parametrize("reward", [math.nan, math.inf])
def test_a_reward_that_is_not_finite_is_refused_and_changes_nothing(reward):
    baseline = Baseline(0.95, 3.0)
    baseline.advantages([0.1, 0.2])
    before = baseline.state()
    with pytest.raises(ValueError, match="finite"):
        baseline.advantages([0.3, reward])
    assert baseline.state() == before
