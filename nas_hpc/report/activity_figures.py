"""Figures of how a search went about it: what its policy proposed, and how busy its slots were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.arms import Arm, is_duplicate
from nas_hpc.report.schedule import mark, steps_by_sample
from nas_hpc.report.smoothing import mean_busy, moving_mean, time_unit
from nas_hpc.report.style import ARM_COLOURS, GREY, beside, label_ends, new_figure, nothing_yet

LEAST_NATS = 1.0
"""The range of entropy that is shown at least, so that a trifle does not look like a fall."""

PERIODS = 150
"""With more attempts than these, the number of busy slots is a mean over so many periods."""


def entropy_and_duplicates(arms: Sequence[Arm]) -> Figure:
    """How undecided the policy was, and how often it proposed what was known, by sample."""
    figure = new_figure(height=2.1, rows=2)
    entropy, duplicates = figure.axes
    last = max((len(arm.log.samples) for arm in arms), default=0)
    window = max(10, last // 10)
    entropy.set(title="How undecided the policy is", ylabel="Entropy of the policy [nats]")
    duplicates.set(title="How often it proposes what is known", xlabel="Samples")
    duplicates.set_ylabel(f"Duplicates [% of the last {window}]")
    if not last:
        nothing_yet(entropy, "No sample yet")
        nothing_yet(duplicates, "No sample yet")
        return figure
    undecided, repeating = [], []
    # The search comes last and so lies on top.
    for arm, colour in reversed(list(zip(arms, ARM_COLOURS, strict=False))):
        samples = arm.log.samples
        if not samples:
            continue
        x = np.arange(1, len(samples) + 1, dtype=float)
        nats = moving_mean(np.array([s.entropy for s in samples]), max(1, len(x) // 20))
        entropy.plot(x, nats, color=colour, marker="o" if len(x) == 1 else "")
        undecided.append((x[-1], nats[-1], f"{arm.title}, at last {nats[-1]:.1f}", colour))
        known = 100 * np.array([float(is_duplicate(sample)) for sample in samples])
        rate = moving_mean(known, window)
        duplicates.plot(x, rate, color=colour, marker="o" if len(x) == 1 else "", clip_on=False)
        repeating.append((x[-1], rate[-1], f"{arm.title}, {known.mean():.0f}% in all", colour))
    low, high = entropy.get_ylim()
    entropy.set_ylim(min(low, high - LEAST_NATS), high + 0.05 * max(high - low, LEAST_NATS))
    duplicates.set_ylim(0, max(10.0, 1.1 * duplicates.get_ylim()[1]))
    for axes in figure.axes:
        axes.set_xlim(0, 1.02 * last)
        axes.locator_params(axis="x", integer=True)
    mark(entropy, steps_by_sample(arms[0], last))
    label_ends(entropy, undecided)
    label_ends(duplicates, repeating)
    return figure


def slots_busy(arms: Sequence[Arm]) -> Figure:
    """How many slots trained at each moment, from each strategy's start."""
    shown = [(arm, c) for arm, c in zip(arms, ARM_COLOURS, strict=False) if arm.log.outcomes]
    rows = max(1, len(shown))
    figure = new_figure(height=1.4, rows=rows)
    if not shown:
        figure.axes[0].set_title("Slots busy over time")
        nothing_yet(figure.axes[0], "No trial has ended yet")
    for axes, (arm, colour) in zip(figure.axes, shown, strict=False):
        _busy(axes, arm, colour)
    return figure


def _busy(axes: Axes, arm: Arm, colour: str) -> None:
    begins = np.array([outcome.started for outcome in arm.log.outcomes])
    ends = np.array([outcome.ended for outcome in arm.log.outcomes])
    origin = min(arm.spans[0][0], begins.min())
    last = max(arm.spans[-1][1], ends.max())
    slots = f"{arm.slots} slot" if arm.slots == 1 else f"{arm.slots} slots"
    share = (
        "" if arm.utilisation is None else f", busy {arm.utilisation:.0%} of the time that it ran"
    )
    axes.set_title(f"{arm.title[:1].upper()}{arm.title[1:]}: {slots}{share}")
    if last == origin:
        nothing_yet(axes, "No trial has taken any time")
        return
    if len(ends) > PERIODS:
        edges = np.linspace(origin, last, PERIODS + 1)
    else:
        edges = np.unique(np.concatenate([[origin, last], begins, ends]))
    busy = mean_busy(begins, ends, edges)
    unit, name = time_unit(last - origin)
    axes.stairs(busy, (edges - origin) / unit, fill=True, color=colour, alpha=0.55)
    axes.axhline(arm.slots, color=GREY, lw=1, ls=(0, (4, 2)))
    beside(axes, arm.slots, slots, GREY)
    for (_, end), (begin, _) in pairwise(arm.spans):
        if begin - end > 0.1 * (last - origin):
            middle = ((begin + end) / 2 - origin) / unit
            axes.text(middle, arm.slots / 2, "stopped", ha="center", color=GREY, fontsize=8.5)
    axes.set(ylim=(0, 1.15 * max(arm.slots, busy.max())), xlim=(0, (last - origin) / unit))
    axes.set(xlabel=f"Time since the start [{name}]", ylabel="Slots busy")
    axes.locator_params(axis="y", integer=True, nbins=5)
