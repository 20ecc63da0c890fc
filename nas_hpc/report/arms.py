"""The arms of an experiment, one for each strategy: what it has done so far, in numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isnan
from typing import TypeVar

from nas_hpc.experiment import Experiment, label
from nas_hpc.report.ledger import Ledger
from nas_hpc.report.trials import TrialRow, trial_rows
from nas_hpc.store import Ending, RunFolder, Sample, SearchLog, read_search
from nas_hpc.store.durable import read_json

Value = TypeVar("Value")

TITLES = {
    "reinforce": "REINFORCE",
    "random": "random search",
    "lstm": "LSTM",
    "gru": "GRU",
    "nascell": "NASCell",
}


@dataclass(frozen=True)
class Arm:
    """What one strategy has done so far.

    Attributes:
        strategy: its name.
        experiment: as this strategy runs it.
        log: everything that it has recorded.
    """

    strategy: str
    experiment: Experiment
    log: SearchLog

    @property
    def title(self) -> str:
        """What it is called in figures and text."""
        return title(self.strategy)

    @cached_property
    def rows(self) -> tuple[TrialRow, ...]:
        """All trials, by number."""
        return trial_rows(self.strategy, self.experiment, self.log)

    @cached_property
    def answers(self) -> tuple[TrialRow, ...]:
        """Trials that have a reward, in the order in which they were recorded."""
        rows = {row.trial: row for row in self.rows}
        trials = dict.fromkeys(outcome.trial for outcome in self.log.outcomes)
        return tuple(rows[trial] for trial in trials if rows[trial].answered)

    @cached_property
    def rewards(self) -> list[float]:
        """Of `answers`."""
        return [row.reward for row in self.answers if row.reward is not None]

    @cached_property
    def spent(self) -> list[float]:
        """Device-seconds spent by the time each of `answers` came, all attempts included."""
        costs = accumulate(outcome.device_seconds for outcome in self.log.outcomes)
        at = {o.trial: cost for o, cost in zip(self.log.outcomes, costs, strict=True)}
        return [at[row.trial] for row in self.answers]

    @cached_property
    def ranking(self) -> list[TrialRow]:
        """Trained networks, that of the highest reward first, the earlier one of equals."""
        trained = [row for row in self.answers if row.status == "ok" and row.reward is not None]
        return sorted(trained, key=lambda row: (-(row.reward or 0.0), row.trial))

    @property
    def duplicates(self) -> int:
        """Samples of an architecture that had been sampled before."""
        return sum(is_duplicate(sample) for sample in self.log.samples)

    @cached_property
    def ending(self) -> Ending:
        """How far it has come."""
        return Ending.of(self.log, self.experiment.budget)

    @property
    def reason(self) -> str:
        """Why it ended last; empty while it has not, or goes on since."""
        return self.ending.reason

    @property
    def done(self) -> bool:
        """Whether nothing is left to do under the present budget."""
        return self.ending.done

    @property
    def slots(self) -> int:
        """Slots at a time: what was asked for; on a cluster, the most that there were."""
        log = self.log
        lives = [(u.started, u.ended) for u in log.slots if u.job and not isnan(u.started)]
        if lives:
            ended = {use.slot for use in log.slots}
            living = [attempt for attempt in log.outcomes if attempt.slot not in ended]
            for slot in {attempt.slot for attempt in living}:
                times = [t for a in living if a.slot == slot for t in (a.started, a.ended)]
                lives.append((min(times), max(times)))
            changes = sorted((t, n) for life in lives for t, n in zip(life, (1, -1), strict=True))
            return max(accumulate(n for _, n in changes))
        return 1 if self.experiment.slots.executor == "debug" else self.experiment.slots.count

    @property
    def slot_seconds(self) -> float:
        """From start to end of every attempt, summed over all slots."""
        return sum(row.slot_seconds for row in self.rows)

    @cached_property
    def ledger(self) -> Ledger:
        """What it has cost."""
        return Ledger.of(self.log)

    @cached_property
    def spans(self) -> list[tuple[float, float]]:
        """When it ran: from each start or resume to the last record before the next one."""
        log = self.log
        moments = [event.time for event in log.events] + [sample.time for sample in log.samples]
        moments += [outcome.ended for outcome in log.outcomes] + [u.time for u in log.updates]
        moments.sort()
        begins = {event.time for event in log.events if event.kind in ("started", "resumed")}
        starts = sorted(begins) or moments[:1]
        ends = [moments[bisect_left(moments, later) - 1] for later in starts[1:]] + moments[-1:]
        return list(zip(starts, ends, strict=True))

    @property
    def wall_seconds(self) -> float:
        """Length of all `spans`."""
        return sum(end - begin for begin, end in self.spans)

    @property
    def utilisation(self) -> float | None:
        """Share of the slots' time in `spans` in which they trained; None before any."""
        if self.wall_seconds <= 0:
            return None
        busy = sum(
            max(0.0, min(outcome.ended, end) - max(outcome.started, begin))
            for begin, end in self.spans
            for outcome in self.log.outcomes
        )
        return busy / (self.slots * self.wall_seconds)


def title(strategy: str) -> str:
    """What a strategy, or a cell to compare with, is called in figures and text."""
    return TITLES.get(strategy, label(strategy))


def is_duplicate(sample: Sample) -> bool:
    """Whether the sample's architecture had been sampled before."""
    return sample.number != sample.trial


def thirds(values: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
    """The first and the last third, rounded down, but of at least one value if there is any."""
    third = max(1, len(values) // 3)
    return values[:third], values[-third:]


def strategies(experiment: Experiment) -> list[str]:
    """The search's strategy first, then those that it is compared with."""
    return list(dict.fromkeys([experiment.search.strategy, *experiment.compare_with]))


def as_run_by(experiment: Experiment, strategy: str) -> Experiment:
    """The experiment as one of its strategies runs it, in the slots that it was started with.

    Raises:
        ValueError: what is recorded of those cannot be read; names the file.
    """
    search = experiment.search.model_copy(update={"strategy": strategy})
    asked = experiment.model_copy(update={"search": search})
    recorded = RunFolder.of(asked).experiment
    if not recorded.exists():
        return asked
    slots = type(asked.slots).model_validate(read_json(recorded)["slots"])
    return asked.model_copy(update={"slots": slots})


def read_arms(experiment: Experiment) -> list[Arm]:
    """All arms that have begun, in the order of `strategies`.

    Raises:
        DamagedFile: a file of the store cannot be read.
    """
    arms = []
    for strategy in strategies(experiment):
        asked = as_run_by(experiment, strategy)
        folder = RunFolder.of(asked)
        if folder.sessions.exists():
            arms.append(Arm(strategy, asked, read_search(folder)))
    return arms
