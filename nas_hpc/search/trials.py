"""The book of trials: which architectures are being trained, which are known, what each awaits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from nas_hpc.cluster import TrialSpec
from nas_hpc.experiment import Experiment
from nas_hpc.store import Outcome, Sample

SHARED_FAILURES = ("out of memory", "killed")
"""Outcomes that a neighbour on the same machine or GPU may have caused."""


@dataclass
class Trial:
    """One architecture at one fidelity.

    Attributes:
        spec: what a slot needs to know.
        key: see `Sample`.
        waiting: numbers of the samples that wait for its outcome.
        outcome: its answer; None while it has none.
        attempt: the latest one that ended.
        failures: attempts that ended without an answer.
        alone: its last attempt was killed; it runs, or is to run, without neighbours.
        lost: given up; a later equal sample starts a new trial.
    """

    spec: TrialSpec
    key: str
    waiting: list[int] = field(default_factory=list)
    outcome: Outcome | None = None
    attempt: int = 0
    failures: int = 0
    alone: bool = False
    lost: bool = False


class TrialBook:
    """All trials of a search."""

    def __init__(self, experiment: Experiment) -> None:
        self._slots = experiment.slots
        self._failure = experiment.reward.failure
        self.by_number: dict[int, Trial] = {}
        self._by_key: dict[str, Trial] = {}
        self.running: set[int] = set()
        self._started: set[int] = set()
        self._lost = 0
        self.device_seconds = 0.0
        """What all attempts that have ended have cost."""
        self._ready: deque[Trial] = deque()

    @property
    def charged(self) -> int:
        """Trials that count against the budget: all but the lost ones."""
        return len(self.by_number) - self._lost

    @property
    def answered(self) -> int:
        """Trials with a reward."""
        return sum(trial.outcome is not None for trial in self.by_number.values())

    def known(self, key: str) -> Trial | None:
        """The trial with this key, in flight or answered."""
        return self._by_key.get(key)

    def add(self, sample: Sample) -> Trial:
        """Book a sample under its trial; a new trial is ready to run."""
        if sample.number == sample.trial:
            spec = TrialSpec(sample.trial, sample.key, sample.arguments, sample.tokens)
            trial = Trial(spec, sample.key)
            self.by_number[sample.trial] = self._by_key[sample.key] = trial
        else:
            trial = self.by_number[sample.trial]
        if trial.outcome is None:
            trial.waiting.append(sample.number)
        return trial

    def judge(self, outcome: Outcome) -> Outcome:
        """What the outcome of an attempt means, given whether anything ran beside it.

        A child that ran out of memory with neighbours tries once more alone, and so does one that
        a signal ended; ended so again, it is the architecture's own failure.
        """
        trial = self.by_number[outcome.trial]
        if outcome.status not in SHARED_FAILURES:
            return outcome
        certain = outcome.status == "out of memory" and not self._slots.shared
        if not (certain or trial.alone):
            return replace(outcome, status="killed", reward=float("nan"))
        reason = f"{outcome.reason} (while it ran alone)"
        return replace(outcome, status="out of memory", reward=self._failure, reason=reason)

    def recorded_before(self, outcome: Outcome) -> bool:
        """Whether an earlier session recorded this attempt, and could not acknowledge it.

        Of a trial that this session has started, every outcome is new, even if its attempts were
        counted anew because their markers are gone.
        """
        trial = self.by_number[outcome.trial]
        again = outcome.attempt <= trial.attempt and outcome.trial not in self._started
        return trial.outcome is not None or trial.lost or again

    def enter(self, outcome: Outcome) -> Trial:
        """Book a judged outcome; the trial then has an answer, or is lost, or must run again."""
        trial = self.by_number[outcome.trial]
        self.device_seconds += outcome.device_seconds
        self.running.discard(outcome.trial)
        trial.attempt = max(trial.attempt, outcome.attempt)
        self._lost -= trial.lost
        if outcome.answers:
            trial.lost = False
            trial.outcome = replace(outcome, metrics={})
            trial.spec = replace(trial.spec, tokens=())  # kept in the store; memory is not
        else:
            trial.failures += 1
            trial.alone = outcome.status == "killed"
            # Whoever restarted the trial counted in its attempts, though not here.
            trial.lost = max(trial.failures, trial.attempt) >= self._slots.attempts
        self._lost += trial.lost
        if trial.lost and self._by_key.get(trial.key) is trial:
            del self._by_key[trial.key]
        return trial

    def ready(self, trial: Trial) -> None:
        """The trial is ready to run."""
        self._ready.append(trial)

    def due(self) -> list[TrialSpec]:
        """The trials that are ready; they count as running from here on."""
        due = []
        while self._ready:
            trial = self._ready.popleft()
            self.running.add(trial.spec.trial)
            self._started.add(trial.spec.trial)
            due.append(replace(trial.spec, alone=trial.alone and self._slots.shared))
        return due
