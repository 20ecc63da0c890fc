import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas_hpc.report.smoothing import mean_busy, moving_mean, time_unit

NUMBERS = st.floats(-100, 100) | st.just(float("nan"))


@given(arrays(float, st.integers(0, 20), elements=NUMBERS), st.integers(1, 25))
def test_moving_mean_is_the_mean_of_the_last(values, window):
    for i, mean in enumerate(moving_mean(values, window)):
        part = [v for v in values[max(0, i - window + 1) : i + 1] if v == v]
        expected = sum(part) / len(part) if part else float("nan")
        assert mean == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_busy_slots_are_counted_by_period():
    begins, ends = np.array([0.0, 1.0, 1.5]), np.array([2.0, 3.0, 1.75])
    busy = mean_busy(begins, ends, np.array([0.0, 1.0, 2.0, 4.0]))
    assert busy == pytest.approx([1, 1 + 1 + 0.25, 0.5])


@pytest.mark.parametrize(("seconds", "unit"), [(5, "s"), (3600, "min"), (90000, "h")])
def test_time_unit(seconds, unit):
    assert time_unit(seconds)[1] == unit
