"""The best models of the search beside those of another strategy, as both sample more.

The second control experiment of Zoph & Le 2017 (arXiv 1611.01578): the gap in the mean of the top
1, 5 and 15 unique models, every 400 models sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from heapq import nlargest
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from nas_hpc.report.arms import Arm, is_duplicate
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import write_csv

TOP = (1, 5, 15)
"""Of so many models, the best ones, the mean reward is taken."""

EVERY, POINTS = 400, 32
"""As often as in the paper; in a search for fewer trials, so many times in as many samples."""


@dataclass(frozen=True)
class TopModels:
    """The best models of two strategies after equally many samples; a row of ``top_models.csv``.

    Attributes:
        compared_with: the other strategy's name.
        samples: of each strategy, from its first one on, duplicates included.
        top: how many different architectures, the best ones, each mean is of.
        search_mean, other_mean: of their rewards; None of fewer trained networks than ``top``.
    """

    compared_with: str
    samples: int
    top: int
    search_mean: float | None
    other_mean: float | None

    @property
    def gap(self) -> float | None:
        """By how much the search is ahead; None where a mean is missing."""
        if self.search_mean is None or self.other_mean is None:
            return None
        return self.search_mean - self.other_mean


def top_models(search: Arm, other: Arm) -> list[TopModels]:
    """For each number of samples one of each of `TOP`, up to all samples of the shorter search.

    A sample whose trial is in flight counts as sampled and has no reward yet.
    """
    last = min(len(search.log.samples), len(other.log.samples))
    every = min(EVERY, max(1, search.experiment.budget.trials // POINTS))
    counts = [*range(every, last, every), *([last] if last else [])]
    bests = zip(counts, _best(search, counts), _best(other, counts), strict=True)
    return [
        TopModels(other.strategy, n, top, _mean(found, top), _mean(others, top))
        for n, found, others in bests
        for top in TOP
    ]


def write_top_models(path: Path, findings: Findings) -> None:
    """Every `TopModels` of the search and each strategy that it is compared with."""
    columns = [*(field.name for field in fields(TopModels)), "gap"]
    pairs = [(findings.search, other) for other in findings.others] if findings.search else []
    rows = [row for search, other in pairs for row in top_models(search, other)]
    write_csv(path, columns, [asdict(row) | {"gap": row.gap} for row in rows])


def _best(arm: Arm, counts: Sequence[int]) -> list[list[float]]:
    """After each number of samples, the highest rewards of different architectures among them."""
    rewards = {row.trial: row.reward for row in arm.ranking if row.reward is not None}
    samples = sorted(arm.log.samples, key=lambda sample: sample.number)
    best: list[float] = []
    bests = []
    for before, n in pairwise([0, *counts]):
        new = [sample.trial for sample in samples[before:n] if not is_duplicate(sample)]
        trained = [rewards[trial] for trial in new if trial in rewards]
        best = nlargest(max(TOP), best + trained)
        bests.append(best)
    return bests


def _mean(best: Sequence[float], top: int) -> float | None:
    return fmean(best[:top]) if len(best) >= top else None
