"""How well a mean is known from a few independent numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from scipy.stats import t

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """The mean of some numbers, and Student's t interval of it at `LEVEL`.

    Attributes:
        mean: of the numbers.
        half: the interval is mean ± half; None of fewer than two numbers.
        n: how many numbers.
    """

    mean: float
    half: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval | None:
        """None of no numbers."""
        n = len(values)
        if n == 0:
            return None
        half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * stdev(values) / sqrt(n) if n > 1 else None
        return cls(fmean(values), half, n)

    def __format__(self, form: str) -> str:
        if self.half is None:
            return f"{self.mean:{form}} (n = {self.n})"
        low, high = self.mean - self.half, self.mean + self.half
        return f"{self.mean:{form}} [{low:{form}}, {high:{form}}] (n = {self.n})"
