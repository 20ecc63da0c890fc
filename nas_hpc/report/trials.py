"""Trials as rows: for each architecture that a strategy proposed, everything known of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.store import Outcome, SearchLog

IN_FLIGHT = "in flight"
"""Status of a trial that has no outcome yet."""


@dataclass(frozen=True)
class TrialRow:
    """One trial of one strategy; the columns of ``trials.csv``.

    Attributes:
        strategy: that proposed it.
        trial: its number.
        samples: how often its architecture was proposed.
        status: of its last attempt, or ``in flight``.
        reason: of a failure, one line.
        reward: None without an answer.
        validation: the result that the reward is made of; None if the child names none. Its column
            is called as its measure: ``validation_accuracy`` or ``validation_perplexity``.
        parameters: trained weights; None if the child names none.
        seconds: of training and scoring that count, as the child says.
        slot_seconds: from start to end of every attempt, those that failed included.
        device_seconds: the same times the GPUs that were occupied, see `Outcome.devices`.
        queue_seconds: from being sampled to the start of the first attempt; None before.
        attempts: that have ended.
        started, ended: seconds since 1970, of the first and of the last attempt.
        slot, host, device, versions: of the last attempt.
        seed: of the child's random numbers.
        version: updates applied to the parameters under which it was sampled.
        staleness: updates applied between its sampling and its own; None if it taught nobody yet,
            or the strategy has no versions.
        log_probability: when it was sampled, in nats.
        entropy: of the policy along the sample, in nats.
        arguments: of the space, JSON.
        architecture: canonical JSON.
    """

    strategy: str
    trial: int
    samples: int
    status: str
    reason: str
    reward: float | None
    validation: float | None
    parameters: int | None
    seconds: float | None
    slot_seconds: float
    device_seconds: float
    queue_seconds: float | None
    attempts: int
    started: float | None
    ended: float | None
    slot: str
    host: str
    device: str
    versions: str
    seed: int | None
    version: int
    staleness: int | None
    log_probability: float
    entropy: float
    arguments: str
    architecture: str

    @property
    def answered(self) -> bool:
        """Whether it has a reward."""
        return self.reward is not None

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than with a trained network."""
        return self.status not in ("ok", IN_FLIGHT)


def trial_rows(strategy: str, experiment: Experiment, log: SearchLog) -> tuple[TrialRow, ...]:
    """All trials of a search, by number."""
    proposed = Counter(sample.trial for sample in log.samples)
    staleness = _staleness(experiment, log)
    attempts: dict[int, list[Outcome]] = {}
    for outcome in log.outcomes:
        attempts.setdefault(outcome.trial, []).append(outcome)
    rows = []
    for sample in sorted(log.samples, key=lambda sample: sample.number):
        if sample.number == sample.trial:
            shared: dict[str, Any] = {
                "strategy": strategy,
                "trial": sample.trial,
                "samples": proposed[sample.trial],
                "version": sample.version,
                "staleness": staleness.get(sample.number),
                "log_probability": sample.log_probability,
                "entropy": sample.entropy,
                "arguments": json.dumps(dict(sample.arguments), sort_keys=True),
                "architecture": sample.architecture,
            }
            ended = _ended(experiment, attempts.get(sample.trial, []))
            started = ended["started"]
            queue = None if started is None else max(0.0, started - sample.time)
            rows.append(TrialRow(**shared, **ended, queue_seconds=queue))
    return tuple(rows)


def _ended(experiment: Experiment, attempts: list[Outcome]) -> dict[str, Any]:
    last = attempts[-1] if attempts else None
    parameters = last.metrics.get("parameters") if last else None
    return {
        "status": last.status if last else IN_FLIGHT,
        "reason": last.reason if last else "",
        "reward": last.reward if last and last.answers else None,
        "validation": _validation(experiment, last) if last else None,
        "parameters": None if parameters is None else int(parameters),
        "seconds": last.seconds if last else None,
        "slot_seconds": sum(outcome.ended - outcome.started for outcome in attempts),
        "device_seconds": sum(outcome.device_seconds for outcome in attempts),
        "attempts": len(attempts),
        "started": attempts[0].started if attempts else None,
        "ended": last.ended if last else None,
        "slot": last.slot if last else "",
        "host": last.host if last else "",
        "device": last.device if last else "",
        "versions": last.versions if last else "",
        "seed": last.seed if last else None,
    }


def _validation(experiment: Experiment, outcome: Outcome) -> float | None:
    """The result that the reward is made of: the best one of the last epochs."""
    measure = experiment.training.measure
    found: Any = outcome.metrics.get(measure.validation)
    if isinstance(found, list):
        last = found[-experiment.reward.last_epochs :]
        found = measure.best(last) if last else None
    return None if found is None or math.isnan(found) else float(found)


def _staleness(experiment: Experiment, log: SearchLog) -> dict[int, int]:
    """By sample; empty for a strategy whose parameters have no versions."""
    if not any(sample.version for sample in log.samples):
        return {}
    versions = {sample.number: sample.version for sample in log.samples}
    per_version = experiment.controller.gradients_per_update
    return {
        number: (update.ticket - 1) // per_version - versions[number]
        for update in log.updates
        for number in update.samples
    }
