"""Marks where the space's argument grows: there curves may step for that reason alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from nas_hpc.report.arms import Arm
from nas_hpc.report.style import GREY

Step = tuple[float, str]
"""Where on the x-axis, and what grows to what, such as ``depth 8``."""


def steps_by_sample(arm: Arm, last: int) -> list[Step]:
    """By number of the sample, up to the last one."""
    schedule = arm.experiment.space.schedule
    if schedule is None:
        return []
    samples = range(schedule.every, last, schedule.every)
    return [
        (sample, f"{schedule.argument} {arm.experiment.arguments(sample)[schedule.argument]}")
        for sample in samples
    ]


def steps_along(arm: Arm, x: Sequence[float]) -> list[Step]:
    """Where the first trial of each value ended; ``x`` has a number for each of `Arm.answers`."""
    schedule = arm.experiment.space.schedule
    if schedule is None:
        return []
    grown = arm.experiment.space.arguments[schedule.argument]
    steps: list[Step] = []
    for place, row in zip(x, arm.answers, strict=True):
        value = json.loads(row.arguments)[schedule.argument]
        if value > grown:
            grown = value
            steps.append((place, f"{schedule.argument} {value}"))
    return steps


def mark(axes: Axes, steps: Iterable[Step], colour: str = GREY) -> None:
    """A dotted line at each step, with its name; the limits of x are final."""
    across, last = axes.get_xaxis_transform(), axes.get_xlim()[1]
    for place, text in steps:
        axes.axvline(place, color=colour, lw=0.8, ls=":")
        if place < 0.85 * last:  # else its name would run into those of the lines
            axes.text(place, 0.03, f" {text}", transform=across, fontsize=8, color=colour)
