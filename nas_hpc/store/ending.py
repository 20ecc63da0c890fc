"""How searches end, and how far one has come."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.store.records import SearchLog

COMPLETE = "budget spent"
COLLAPSED = "policy collapsed"
TOO_MANY_SAMPLES = "too many samples"
STOPPED = "stopped"
STOPPED_NOW = "stopped now"
INTERRUPTED = "interrupted"
BROKEN = "children cannot run"

FINAL = (COMPLETE, COLLAPSED, TOO_MANY_SAMPLES)
"""Reasons of an end after which nothing is left to do; after the others the search goes on."""


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
    def of(cls, log: SearchLog, trials: int) -> Ending:
        """Of a search with a budget of so many trials."""
        ends = [event for event in log.events if event.kind in ("started", "resumed", "ended")]
        reason = ends[-1].text if ends and ends[-1].kind == "ended" else ""
        answered = len({outcome.trial for outcome in log.outcomes if outcome.answers})
        grown = reason == COMPLETE and answered < trials
        return cls(reason, answered, reason in FINAL and not grown)
