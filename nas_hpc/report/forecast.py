"""When a search will end, and what it will have cost by then, if it goes on as it does."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.report.arms import Arm

LATELY = 300.0
"""The rate is that of the last so many seconds."""


@dataclass(frozen=True)
class Forecast:
    """What is to come of a search that goes on.

    Attributes:
        rate: answers a minute lately.
        trials: with a reward at the end; fewer than asked for if the device-hours suffice for
            fewer.
        seconds: left at that rate; None without one.
        device_seconds: used at the end, if trials go on to cost what they have cost on average,
            failed attempts and idle slots included; None before the first answer.
    """

    rate: float
    trials: int
    seconds: float | None
    device_seconds: float | None

    @classmethod
    def of(cls, arm: Arm, now: float) -> Forecast:
        """At a time given in seconds since 1970."""
        rate, answers, budget = _rate(arm, now), len(arm.answers), arm.experiment.budget
        left = max(0, budget.trials - answers)
        if budget.device_hours is not None and arm.ledger.attempts > 0:
            room = max(0.0, 3600 * budget.device_hours - arm.ledger.attempts)
            left = min(left, round(room * answers / arm.ledger.attempts))
        used = arm.ledger.used
        return cls(
            rate=rate,
            trials=answers + left,
            seconds=60 * left / rate if rate else None,
            device_seconds=used * (1 + left / answers) if answers else None,
        )


def _rate(arm: Arm, now: float) -> float:
    """Answers a minute lately, or since it started or was resumed if that is less long ago."""
    if not arm.spans:
        return 0.0
    since = max(now - LATELY, arm.spans[-1][0])
    lately = sum(outcome.answers and outcome.ended > since for outcome in arm.log.outcomes)
    return 60 * lately / max(now - since, 1.0)
