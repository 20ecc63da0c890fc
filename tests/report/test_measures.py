import pytest

from nas_hpc.experiment.measure import ACCURACY, PERPLEXITY
from nas_hpc.report.interval import Interval
from nas_hpc.report.measures import form, rank, reward_form
from nas_hpc.report.retraining import Spread


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("accuracy", 0.95, "0.9500"),
        ("perplexity", 67.94, "67.9"),
        ("perplexity", 10_023.44, "10,023.4"),
        ("perplexity", 2.3196, "2.320"),
    ],
)
def test_results_are_written_as_papers_do(name, value, written):
    assert format(value, form(name, value)) == written


@pytest.mark.parametrize(
    ("reward", "written"),
    [
        (0.857375, "0.8574"),
        (0.05, "0.0500"),
        (80 / 120**2, "0.00556"),
        (80 / 10_000**2, "8.00e-07"),
        (0.0, "0.0000"),
        (-3.5, "-3.5000"),
    ],
)
def test_a_reward_has_three_digits_however_small(reward, written):
    assert format(reward, reward_form(reward)) == written


def test_the_deviation_of_rewards_is_as_fine_as_their_mean():
    assert str(Spread(80 / 120**2, 0.0001234, 3)) == "0.00556 ± 0.00012 (n = 3)"


def test_the_best_comes_first():
    values = [0.5, 2.0, 1.0]
    assert sorted(values, key=lambda value: rank(ACCURACY, value)) == [2.0, 1.0, 0.5]
    assert sorted(values, key=lambda value: rank(PERPLEXITY, value)) == [0.5, 1.0, 2.0]


def test_the_interval_is_students():
    # Two degrees of freedom: t = 4.303 at 97.5% in every table; the deviation of 1, 2, 3 is 1.
    found = Interval.of([1.0, 2.0, 3.0])
    assert found.half == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert f"{found:.2f}" == "2.00 [-0.48, 4.48] (n = 3)"


def test_a_single_number_has_no_interval():
    assert f"{Interval.of([1.0]):.1f}" == "1.0 (n = 1)"
    assert Interval.of([]) is None
