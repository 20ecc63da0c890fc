from itertools import combinations

import pytest

from nas_hpc.report.arms import Arm
from nas_hpc.report.comparison import Comparison
from nas_hpc.store import SearchLog
from tests.report.laboratory import experiment_in, outcome, sample


def arm_of(place, strategy: str, rewards) -> Arm:
    samples = tuple(sample(i) for i in range(len(rewards)))
    outcomes = tuple(outcome(i, reward) for i, reward in enumerate(rewards))
    return Arm(strategy, experiment_in(place), SearchLog(samples, outcomes))


def exact_p(late, others) -> float:
    """Share of all ways to deal the rewards in which the first group wins as many pairs."""

    def wins(one, other):
        return sum(a > b for a in one for b in other)

    pooled = [*late, *others]
    deals = list(combinations(range(len(pooled)), len(late)))
    reached = 0
    for deal in deals:
        rest = [pooled[i] for i in range(len(pooled)) if i not in deal]
        reached += wins([pooled[i] for i in deal], rest) >= wins(late, others)
    return reached / len(deals)


def test_p_value_is_that_of_all_permutations(tmp_path):
    search = [0.1] * 8 + [0.61, 0.72, 0.55, 0.93]
    other = [0.2] * 8 + [0.41, 0.62, 0.33, 0.58]
    found = Comparison.of(arm_of(tmp_path, "reinforce", search), arm_of(tmp_path, "random", other))
    assert (found.trials, found.n) == (12, 4)
    assert found.p_value == pytest.approx(exact_p(search[8:], other[8:]))
    assert found.search_mean == pytest.approx(sum(search[8:]) / 4)
    assert found.other_mean == pytest.approx(sum(other[8:]) / 4)


def test_budgets_are_made_equal(tmp_path):
    search = [0.1, 0.2, 0.3, 0.9, 0.9, 0.9]
    found = Comparison.of(
        arm_of(tmp_path, "reinforce", search), arm_of(tmp_path, "random", [0.5, 0.6, 0.4])
    )
    assert (found.trials, found.n, found.search_mean, found.other_mean) == (3, 1, 0.3, 0.4)


def test_no_significance_is_said_plainly(tmp_path):
    same = [0.5, 0.6, 0.7, 0.5, 0.6, 0.7]
    found = Comparison.of(arm_of(tmp_path, "reinforce", same), arm_of(tmp_path, "random", same))
    assert not found.significant
    assert "REINFORCE is not significantly better than random search" in found.sentence()
    assert "n = 2 each" in found.sentence()


def test_significance_is_said(tmp_path):
    better = arm_of(tmp_path, "reinforce", [0.8 + i / 1000 for i in range(30)])
    worse = arm_of(tmp_path, "random", [0.5 + i / 1000 for i in range(30)])
    assert "is significantly better than" in Comparison.of(better, worse).sentence()
    assert not Comparison.of(worse, better).significant


def test_all_rewards_equal(tmp_path):
    arm = arm_of(tmp_path, "reinforce", [0.0] * 6)
    assert not Comparison.of(arm, arm).significant


def test_nothing_to_compare_yet(tmp_path):
    arm = arm_of(tmp_path, "reinforce", [0.5])
    assert Comparison.of(arm, arm_of(tmp_path, "random", [])) is None
