"""The baseline: a moving average of rewards, and how far below it a reward may count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

SLOWER = 5
"""The usual deviation is averaged over so many times more rewards than the baseline."""

ROUNDING = 1e-6
"""A deviation below this part of the baseline tells nothing about the scale of rewards."""


class Baseline:
    """Turns rewards into advantages (paper, section 3.2).

    The baseline is an exponential moving average of *previous* rewards: a batch is compared with
    the average as it stood before the batch, and enters it afterwards, reward by reward. The first
    batch has no average yet: each of its rewards is compared with the mean of the others.

    A reward further *below* the baseline than ``bound`` usual deviations counts as if it were just
    so far, for its own advantage and in the average: Adam divides by the size of past gradients, so
    one failed child would otherwise shrink its steps for a thousand updates. Rewards above the
    baseline are never bounded: they are the discoveries that the search is after.

    The usual deviation is a slow moving average of the distances from the baseline, which one
    reward can at most double, however far off; so a single failure is bounded by what was usual
    before it, while a lasting fall, or a deviation that was far too small, is followed within tens
    of rewards. As long as all rewards were equal nothing is known of their scale, and nothing is
    bounded.

    Args:
        decay: weight of the past in the average, in [0, 1).
        bound: in usual deviations; None for none.
    """

    def __init__(self, decay: float, bound: float | None) -> None:
        self.decay, self.bound = decay, bound
        self._value = self._deviation = math.nan

    def state(self) -> tuple[float, float]:
        """The average of rewards and their usual deviation; NaN before the first batch."""
        return self._value, self._deviation

    def restore(self, value: float, deviation: float) -> None:
        """Go on from a `state`."""
        self._value, self._deviation = value, deviation

    def advantages(self, rewards: Sequence[float]) -> list[float]:
        """Consume one batch of rewards, in order.

        Returns:
            What each one's gradient is to be multiplied by.

        Raises:
            ValueError: a reward is not finite; nothing has changed then.
        """
        if not all(math.isfinite(reward) for reward in rewards):
            raise ValueError(f"rewards must be finite, got {list(rewards)}")
        if math.isnan(self._value):
            return self._first_batch(rewards)
        advantages = [self._bounded(reward) for reward in rewards]
        for reward in rewards:
            self._average(reward)
        return advantages

    def _first_batch(self, rewards: Sequence[float]) -> list[float]:
        """Leave-one-out means, of rewards bounded below their median."""
        if not rewards:
            return []
        self._value = median(rewards)
        # The median ignores a failed child; it is 0, and bounds nothing, if most are equal.
        distances = [abs(reward - self._value) for reward in rewards]
        self._deviation = median(distances)
        bounded = [self._value + self._bounded(reward) for reward in rewards]
        self._deviation = self._deviation or fmean(distances)
        self._value = fmean(bounded)
        total, others = math.fsum(bounded), len(bounded) - 1
        return [reward - (total - reward) / others if others else 0.0 for reward in bounded]

    def _bounded(self, reward: float) -> float:
        """The distance from the baseline, at most ``bound`` usual deviations below."""
        distance = reward - self._value
        if self.bound is None or self._unknown_scale():
            return distance
        return max(distance, -self.bound * self._deviation)

    def _average(self, reward: float) -> None:
        distance, bounded = abs(reward - self._value), self._bounded(reward)
        weight = (1 - self.decay) / SLOWER
        if self._unknown_scale():
            self._deviation = distance
        else:
            self._deviation += weight * min(distance - self._deviation, self._deviation / weight)
        self._value += (1 - self.decay) * bounded

    def _unknown_scale(self) -> bool:
        return self._deviation <= ROUNDING * abs(self._value)
