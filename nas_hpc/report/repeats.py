"""Independent repeats of a search, each in a pair with what it is compared with.

A pair has two sides: what an experiment's search has found and, with it, what that of another
experiment has found or a contender that went through the same final training. Several pairs under
seeds of their own tell what a single pair cannot: how much of a difference is luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import NamedTuple

from nas_hpc.experiment import Experiment, ExperimentError, label
from nas_hpc.report.arms import title
from nas_hpc.report.interval import Interval
from nas_hpc.report.measures import reward_form
from nas_hpc.report.summary import Findings
from nas_hpc.report.tested import Scale, Tested, model_of, scale_of


@dataclass(frozen=True)
class Side:
    """One side of a pair.

    Attributes:
        experiment: its name.
        seed: of the experiment.
        who: the strategy in words, or the cell that no search had to find.
        trials: of its search that have a reward; this and what follows is None without a search.
        device_seconds: that all attempts of the search have cost.
        best_reward: the highest in the search.
        shortlist_reward: of the candidates that went through the grid, the mean under new seeds.
        tested: the one that was chosen, on test data.
    """

    experiment: str
    seed: int
    who: str
    trials: int | None
    device_seconds: float | None
    best_reward: float | None
    shortlist_reward: float | None
    tested: Tested

    @classmethod
    def of(cls, experiment: Experiment, contender: str = "") -> Side:
        """Of what the experiment's search has found, or of a contender beside it.

        Raises:
            ExperimentError: there is no such contender, or nothing of it was tested.
            DamagedFile, ValueError: a file of the run cannot be read; names it.
        """
        findings = Findings.of(experiment)
        known = {one.contender: one for one in findings.retrainings}
        if contender not in known:
            beside = ", ".join(name for name in known if name) or "nothing"
            raise ExperimentError(
                f"{experiment.name} has no contender {contender!r}: retrain.beside names {beside}"
            )
        one = known[contender]
        if not any(run["status"] == "ok" for run in one.final):
            raise ExperimentError(
                f"{experiment.name}: nothing was tested of "
                f"{title(contender) if contender else 'what its search has found'} yet: "
                "run the experiment to its end"
            )
        arm = findings.arm(one.strategy)
        scores = sorted((entry["mean"] for entry in one.rescored), reverse=True)
        listed = scores[: experiment.retrain.top]
        model, architecture = model_of(experiment, one), one.chosen.get("architecture")
        return cls(
            experiment=experiment.name,
            seed=experiment.seed,
            who=title(one.strategy or one.contender),
            trials=len(arm.answers) if arm else None,
            device_seconds=arm.ledger.attempts if arm else None,
            best_reward=arm.ranking[0].reward if arm and arm.ranking else None,
            shortlist_reward=fmean(listed) if listed else None,
            tested=Tested.of(model, architecture, one.measure, one.final),
        )


class Pair(NamedTuple):
    """What is compared within one repeat."""

    first: Side
    second: Side


class Quantity(NamedTuple):
    """By what two sides are compared.

    Attributes:
        name: in words.
        of: a side; None if it has none.
        less_is_better: whether the side with less of it is the better one.
        form: how one is written, as `format` understands it, given one of about its size.
    """

    name: str
    of: Callable[[Side], float | None]
    less_is_better: bool
    form: Callable[[float], str]


@dataclass(frozen=True)
class Difference:
    """Of a quantity, the first side minus the second, in each pair that has it on both sides.

    Attributes:
        quantity: what is compared.
        values: one for each such pair.
        interval: of their mean, over pairs.
        form: how a difference is written: as finely as what it is a difference of.
    """

    quantity: Quantity
    values: tuple[float, ...]
    interval: Interval
    form: str

    @classmethod
    def of(cls, quantity: Quantity, pairs: Sequence[Pair]) -> Difference | None:
        """None if no pair has it."""
        sides = [(quantity.of(pair.first), quantity.of(pair.second)) for pair in pairs]
        both = [(a, b) for a, b in sides if a is not None and b is not None]
        values = tuple(a - b for a, b in both)
        interval = Interval.of(values)
        if interval is None:
            return None
        return cls(quantity, values, interval, f"+{quantity.form(fmean(a for a, _ in both))}")


@dataclass(frozen=True)
class Repeats:
    """All pairs, and the scale of their results on test data."""

    pairs: tuple[Pair, ...]
    scale: Scale

    @classmethod
    def of(
        cls, first: Sequence[Experiment], second: Sequence[Experiment], contender: str
    ) -> Repeats:
        """Pair experiments in their order, or each with a contender of its own.

        Args:
            first: finished experiments.
            second: as many others; none: each of the first is paired with its contender.
            contender: its name in ``retrain.beside``; of no meaning where others are given.

        Raises:
            ExperimentError: they cannot be compared, see also `Side.of`.
        """
        _comparable(first, second)
        others = [(one, "") for one in second] or [(one, label(contender)) for one in first]
        pairs = [
            Pair(Side.of(one), Side.of(*other)) for one, other in zip(first, others, strict=True)
        ]
        return cls(tuple(pairs), scale_of(first[0].training.measure))

    @property
    def title(self) -> str:
        """What stands against what: strategies, or experiments where these are the same."""
        sides = [*zip(*self.pairs, strict=True)]
        first, second = (_listed(side.who for side in one) for one in sides)
        if first == second:
            first, second = (_listed(side.experiment for side in one) for one in sides)
        return f"{first} against {second}"

    @property
    def test(self) -> Quantity:
        """The result on test data, of each side the mean of its seeds."""
        scale = self.scale
        return Quantity(scale.heading, lambda side: fmean(side.tested.results), True, scale.form)

    @property
    def differences(self) -> list[Difference]:
        """In the order of the work: search, new seeds, test; the last one is always there."""
        quantities = [
            Quantity(
                "Best reward in the search", lambda side: side.best_reward, False, reward_form
            ),
            Quantity(
                "Reward with new seeds", lambda side: side.shortlist_reward, False, reward_form
            ),
            self.test,
        ]
        found = [Difference.of(quantity, self.pairs) for quantity in quantities]
        return [one for one in found if one]


def _listed(names: Iterable[str]) -> str:
    """Each of them once."""
    return ", ".join(dict.fromkeys(names))


def _comparable(first: Sequence[Experiment], second: Sequence[Experiment]) -> None:
    if second and len(first) != len(second):
        raise ExperimentError(
            f"{len(first)} experiments cannot be paired with {len(second)}: as many are needed"
        )
    names = [one.name for one in (*first, *second)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ExperimentError(f"given more than once: {', '.join(twice)}")
    measures = {one.training.measure.name for one in (*first, *second)}
    if len(measures) > 1:
        raise ExperimentError(f"one measure is needed, not {' and '.join(sorted(measures))}")
    for side in (first, second):
        for one, other in combinations(side, 2):
            if (one.seed, one.data) == (other.seed, other.data):
                raise ExperimentError(
                    f"{one.name} and {other.name} both have seed {one.seed}: give independent "
                    "repeats a seed each"
                )
    for one, other in zip(first, second, strict=False):
        if one.data != other.data:
            raise ExperimentError(f"{one.name} and {other.name} have different data")
