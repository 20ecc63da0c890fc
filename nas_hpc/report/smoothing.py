"""Series of numbers, made easy to see."""

from __future__ import annotations

import numpy as np


def moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` values at each place [n]; of fewer where there are fewer.

    Values that are NaN do not count; where there are no others the mean is NaN.
    """
    known = np.isfinite(values)
    sums = np.cumsum(np.where(known, values, 0.0))
    counts = np.cumsum(known)
    sums[window:] -= sums[:-window].copy()
    counts[window:] -= counts[:-window].copy()
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)


def mean_busy(begins: np.ndarray, ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many of the intervals [n] are under way, as the mean of each period between edges."""
    overlap = np.minimum(ends[:, None], edges[1:]) - np.maximum(begins[:, None], edges[:-1])
    busy: np.ndarray = np.clip(overlap, 0, None).sum(axis=0) / np.diff(edges)
    return busy


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit, in seconds and by name, in which so many seconds are easy to read."""
    if seconds < 600:
        return 1.0, "s"
    return (60.0, "min") if seconds < 36000 else (3600.0, "h")
