"""Whether a search has learned something: its late trials beside those of another strategy."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from scipy.stats import mannwhitneyu

from nas_hpc.report.arms import Arm, thirds
from nas_hpc.report.words import number

LEVEL = 0.05
"""Below this p-value a difference is called significant."""


@dataclass(frozen=True)
class Comparison:
    """The last thirds of two strategies' trials at the same number of trials.

    Attributes:
        search, other: titles of the strategies.
        trials: of each that are considered, in the order in which they ended.
        n: rewards in each last third.
        search_mean, other_mean: of those rewards.
        p_value: one-sided Mann-Whitney U test of the search's rewards being greater.
    """

    search: str
    other: str
    trials: int
    n: int
    search_mean: float
    other_mean: float
    p_value: float

    @classmethod
    def of(cls, search: Arm, other: Arm) -> Comparison | None:
        """None while one of them has no reward."""
        trials = min(len(search.rewards), len(other.rewards))
        if trials == 0:
            return None
        late = thirds(search.rewards[:trials])[1]
        others = thirds(other.rewards[:trials])[1]
        test = mannwhitneyu(late, others, alternative="greater")
        return cls(
            search=search.title,
            other=other.title,
            trials=trials,
            n=len(late),
            search_mean=fmean(late),
            other_mean=fmean(others),
            p_value=float(test.pvalue),
        )

    @property
    def significant(self) -> bool:
        """At `LEVEL`."""
        return self.p_value < LEVEL

    def sentence(self) -> str:
        """The comparison for people."""
        verdict = (
            f"significantly better than {self.other}"
            if self.significant
            else f"not significantly better than {self.other}"
        )
        return (
            f"At {self.trials} trials each, the mean reward of the last third is "
            f"{number(self.search_mean)} for {self.search} and {number(self.other_mean)} for "
            f"{self.other} "
            f"(n = {self.n} each): {self.search} is {verdict} "
            f"(one-sided Mann-Whitney U test, p = {self.p_value:.2g}; significant below {LEVEL}). "
            f"Both are single runs: the test speaks of their trials, not of other seeds."
        )
