"""What two strategies have found by the time that both have cost the same."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from nas_hpc.report.arms import Arm
from nas_hpc.report.words import device_hours, number


@dataclass(frozen=True)
class EqualCost:
    """The best rewards of two strategies at the cost of the cheaper one.

    Attributes:
        search, other: titles of the strategies.
        device_seconds: that both had spent, failed attempts included.
        search_trials, other_trials: answers by then.
        search_best, other_best: highest rewards by then.
    """

    search: str
    other: str
    device_seconds: float
    search_trials: int
    other_trials: int
    search_best: float
    other_best: float

    @classmethod
    def of(cls, search: Arm, other: Arm) -> EqualCost | None:
        """None while one of them has no reward at that cost."""
        cost = min((arm.spent[-1] if arm.spent else 0.0) for arm in (search, other))
        trials, others = (bisect_right(arm.spent, cost) for arm in (search, other))
        if trials == 0 or others == 0:
            return None
        return cls(
            search=search.title,
            other=other.title,
            device_seconds=cost,
            search_trials=trials,
            other_trials=others,
            search_best=max(search.rewards[:trials]),
            other_best=max(other.rewards[:others]),
        )

    def sentence(self) -> str:
        """The comparison for people."""
        return (
            f"At {device_hours(self.device_seconds)} device-hours each, the best reward is "
            f"{number(self.search_best)} for {self.search} ({self.search_trials} trials) and "
            f"{number(self.other_best)} for {self.other} ({self.other_trials} trials)."
        )
