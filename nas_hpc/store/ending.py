"""How searches end, and how far one has come."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.experiment.resources import Budget
from nas_hpc.store.records import SearchLog

COMPLETE = "budget spent"
DEVICE_HOURS = "device hours spent"
COLLAPSED = "policy collapsed"
TOO_MANY_SAMPLES = "too many samples"
STOPPED = "stopped"
STOPPED_NOW = "stopped now"
INTERRUPTED = "interrupted"
BROKEN = "children cannot run"


@dataclass(frozen=True)
class Ending:
    """How far a search has come.

    Attributes:
        reason: of the latest end, one of the above; empty while it has none, or goes on since.
        answered: trials with a reward.
        done: nothing is left to do under the present budget.
    """

    reason: str
    answered: int
    done: bool

    @classmethod
    def of(cls, log: SearchLog, budget: Budget) -> Ending:
        """Of a search under a budget, which may have grown since the search ended."""
        ends = [event for event in log.events if event.kind in ("started", "resumed", "ended")]
        reason = ends[-1].text if ends and ends[-1].kind == "ended" else ""
        answered = len({outcome.trial for outcome in log.outcomes if outcome.answers})
        spent = {
            COMPLETE: answered >= budget.trials,
            DEVICE_HOURS: hours_are_spent(sum(o.device_seconds for o in log.outcomes), budget),
            TOO_MANY_SAMPLES: len(log.samples) >= budget.trials * budget.samples_per_trial,
            COLLAPSED: _known_at_the_end(log) >= budget.known_in_a_row,
        }
        return cls(reason, answered, spent.get(reason, False))


def hours_are_spent(device_seconds: float, budget: Budget) -> bool:
    """Whether the attempts at trials, which have cost so much, leave room for no more."""
    limit = budget.device_hours
    return limit is not None and device_seconds >= 3600 * limit


def _known_at_the_end(log: SearchLog) -> int:
    """How many of the latest samples in a row were known already."""
    new = (sample.number == sample.trial for sample in reversed(log.samples))
    return next((count for count, is_new in enumerate(new) if is_new), len(log.samples))
