"""The numbers of an experiment: ``summary.json``, and the base of ``summary.md``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from nas_hpc.experiment import Experiment, is_reference, label, resolve
from nas_hpc.experiment.measure import Measure
from nas_hpc.report.arms import Arm, read_arms, strategies, thirds, title
from nas_hpc.report.costs import cost_of
from nas_hpc.report.equal_cost import EqualCost
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.retraining import Retraining, Spread, read_retraining
from nas_hpc.report.task import Task, described, task_of
from nas_hpc.report.trials import IN_FLIGHT, TrialRow
from nas_hpc.store import Sample

EDGE = 10
"""The first and the last of so many equal parts of the samples tell entropy at start and end."""


@dataclass(frozen=True)
class Findings:
    """Everything that is known of an experiment when the report is made.

    Attributes:
        experiment: its configuration.
        arms: its strategies that have begun, the search first if it has.
        retrainings: its final training: of what the search has found, then of each contender
            beside it.
        task: of its data; None if not prepared, or if these are no images.
    """

    experiment: Experiment
    arms: list[Arm]
    retrainings: list[Retraining]
    task: Task | None

    @classmethod
    def of(cls, experiment: Experiment) -> Findings:
        """Read from the run folders.

        Raises:
            DamagedFile, ValueError: a file cannot be read; names it.
            OwnCodeError: the space's own code cannot be imported.
        """
        if is_reference(experiment.space.name):
            resolve(experiment.space.name)  # the file of a space may register a portrait
        contenders = ["", *map(label, experiment.retrain.beside)]
        retrainings = [read_retraining(experiment, contender) for contender in contenders]
        return cls(experiment, read_arms(experiment), retrainings, task_of(experiment))

    @property
    def measure(self) -> Measure:
        """By which its networks are compared and tested."""
        return self.experiment.training.measure

    @property
    def retraining(self) -> Retraining:
        """The final training of what the search itself has found."""
        return self.retrainings[0]

    @property
    def search(self) -> Arm | None:
        """The search itself; None before it has begun."""
        return self.arm(self.experiment.search.strategy)

    def arm(self, strategy: str | None) -> Arm | None:
        """One of the arms; None before it has begun."""
        return next((arm for arm in self.arms if arm.strategy == strategy), None)

    @property
    def others(self) -> list[Arm]:
        """The strategies that the search is compared with."""
        return [arm for arm in self.arms if arm is not self.search]

    @cached_property
    def best(self) -> TrialRow | None:
        """The chosen trial, or before there is one the best so far; None of no trained network."""
        if self.search is None:
            return None
        chosen = self.retraining.best_trial
        of_chosen = [row for row in self.search.rows if row.trial == chosen]
        return next(iter(of_chosen + self.search.ranking), None)

    @property
    def architecture(self) -> Any:
        """Of the best, as JSON data; once it is chosen, as large as the final training makes it."""
        chosen = self.retraining.chosen.get("architecture")
        return chosen or (json.loads(self.best.architecture) if self.best else None)

    @property
    def searching(self) -> list[str]:
        """Which strategies have not done their part, a sentence each."""
        begun = {arm.strategy for arm in self.arms}
        missing = [
            f"{_upper(title(strategy))} has not begun."
            for strategy in strategies(self.experiment)
            if strategy not in begun
        ]
        for arm in self.arms:
            if not arm.done:
                ended = f" ({arm.reason})" if arm.reason else ""
                trials = f"{len(arm.answers)} of {self.experiment.budget.trials} trials"
                missing.append(f"{_upper(arm.title)} is unfinished: {trials} so far{ended}.")
        return missing

    @property
    def training(self) -> list[str]:
        """What is missing of the final training, a sentence."""
        retrain = self.experiment.retrain
        done = sum(len(one.final) for one in self.retrainings)
        done += sum(map(len, self.retraining.variants.values()))
        done += sum(len(runs) for one in self.retrainings for runs in one.transfers)
        contending, targets = 1 + len(retrain.beside), len(retrain.transfer)
        asked = retrain.seeds * (contending * (1 + targets) + len(retrain.variants))
        if done >= asked:
            return []
        return [f"The final training is unfinished: {done} of {asked} runs so far."]

    @property
    def unfinished(self) -> list[str]:
        """What is not done yet, a sentence each; empty for a finished experiment."""
        return self.searching + self.training


def summary(findings: Findings) -> dict[str, Any]:
    """All numbers as JSON data; what is not known yet is None."""
    from nas_hpc.report.comparison import Comparison

    search, retraining = findings.search, findings.retraining
    compared = [Comparison.of(search, other) for other in findings.others] if search else []
    equally_dear = [EqualCost.of(search, other) for other in findings.others] if search else []
    return {
        "experiment": findings.experiment.name,
        "title": findings.experiment.title,
        "finished": not findings.unfinished,
        "unfinished": findings.unfinished,
        "data": described(findings.experiment),
        "measure": findings.measure.name,
        "best": _best(findings),
        "final_training": _final_training(retraining),
        "beside": {one.contender: _final_training(one) for one in findings.retrainings[1:]},
        "strategies": {
            arm.strategy: summarise_arm(arm) | {"cost": cost_of(arm.ledger)}
            for arm in findings.arms
        },
        "comparisons": [
            asdict(found) | {"significant": found.significant, "sentence": found.sentence()}
            for found in compared
            if found
        ],
        "at_equal_cost": [
            asdict(found) | {"sentence": found.sentence()} for found in equally_dear if found
        ],
        "spread_of_rewards": {
            "between_architectures": _spread(between_architectures(search) if search else None),
            "between_seeds_of_one": between_seeds(retraining),
        },
    }


def between_architectures(arm: Arm) -> Spread | None:
    """Rewards of all trained networks of a search."""
    return Spread.of([row.reward for row in arm.ranking if row.reward is not None])


def between_seeds(retraining: Retraining) -> dict[str, Any] | None:
    """Pooled SD of the rewards of one architecture under several seeds; None of none."""
    variances = [s.sd**2 for s in retraining.rescores.values() if s.sd is not None]
    if not variances:
        return None
    return {"sd": fmean(variances) ** 0.5, "architectures": len(variances)}


def _final_training(retraining: Retraining) -> dict[str, Any]:
    measure = retraining.measure
    return {
        measure.test: _spread(retraining.test),
        measure.validation: _spread(retraining.validation),
        "runs": len(retraining.final),
        "failed": sum(run["status"] != "ok" for run in retraining.final),
        "training": retraining.chosen.get("training"),
        "grid_points": len(retraining.grid),
        "seconds": _retrain_seconds(retraining),
    }


def _best(findings: Findings) -> dict[str, Any] | None:
    best, search = findings.best, findings.search
    if best is None or search is None:
        return None
    sample = next(s for s in search.log.samples if s.number == best.trial)
    architecture, chosen = findings.architecture, findings.retraining.chosen
    return {
        "trial": best.trial,
        "chosen": bool(chosen),
        "words": portrait_of(architecture).words(architecture, findings.task),
        "architecture": architecture,
        "tokens": sample.tokens,
        "arguments": chosen.get("arguments") or dict(sample.arguments),
        "reward_in_search": best.reward,
        f"{findings.measure.validation}_in_search": best.validation,
        "reward_with_new_seeds": _spread(findings.retraining.rescores.get(best.trial)),
        "parameters": chosen.get("parameters") or best.parameters,
    }


def summarise_arm(arm: Arm) -> dict[str, Any]:
    """What one strategy has done so far, as JSON data."""
    early, late = thirds(arm.rewards)
    samples = arm.log.samples
    edge = max(1, len(samples) // EDGE)
    statuses = Counter(row.status for row in arm.rows if row.status != IN_FLIGHT)
    return {
        "ended": arm.reason or None,
        "finished": arm.done,
        "trials": len(arm.answers),
        "trials_asked_for": arm.experiment.budget.trials,
        "in_flight": sum(row.status == IN_FLIGHT for row in arm.rows),
        "trials_by_status": dict(statuses),
        "failures_by_status": {s: n for s, n in statuses.items() if s != "ok"},
        "attempts_repeated": sum(max(0, row.attempts - 1) for row in arm.rows),
        "samples": len(samples),
        "duplicates": arm.duplicates,
        "duplicate_rate": arm.duplicates / len(samples) if samples else None,
        "best_reward": arm.ranking[0].reward if arm.ranking else None,
        "mean_reward_first_third": fmean(early) if early else None,
        "mean_reward_last_third": fmean(late) if late else None,
        "entropy_start_nats": _entropy(samples[:edge]),
        "entropy_end_nats": _entropy(samples[-edge:]),
        "entropy_samples": edge if samples else 0,
        "updates": len(arm.log.updates),
        "slot_seconds": arm.slot_seconds,
        "wall_seconds": arm.wall_seconds,
        "sessions": len(arm.spans),
        "slots": arm.slots,
        "slot_utilisation": arm.utilisation,
        "versions": sorted({row.versions for row in arm.rows if row.versions}),
        "hosts": sorted({row.host for row in arm.rows if row.host}),
        "devices": sorted({row.device for row in arm.rows if row.device}),
    }


def _entropy(samples: Sequence[Sample]) -> float | None:
    return fmean(sample.entropy for sample in samples) if samples else None


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    return asdict(spread) if spread else None


def _retrain_seconds(retraining: Retraining) -> float:
    runs = [*retraining.rescored, *retraining.grid, *retraining.final]
    return sum(run.get("seconds", 0.0) for run in runs)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
