"""Figures of rewards: as trials go by, as device time goes by, and early against late."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.arms import Arm, thirds
from nas_hpc.report.measures import reward_form
from nas_hpc.report.schedule import mark, steps_along
from nas_hpc.report.smoothing import moving_mean, time_unit
from nas_hpc.report.style import ARM_COLOURS, GREY, INK, beside, label_ends, new_figure, nothing_yet
from nas_hpc.report.trials import TrialRow

NONE_YET = "No trial has ended yet"
NONE_TRAINED = "No network has been trained yet: all trials failed"
MANY = 300
"""Above so many trials their dots are drawn fainter."""


def reward_by_trial(arms: Sequence[Arm]) -> Figure:
    """Reward, its moving mean and the best so far against the number of trials."""
    along = [np.arange(1, len(arm.answers) + 1, dtype=float) for arm in arms]
    return _rewards("Reward over trials", "Trials that have ended", arms, along)


def reward_by_time(arms: Sequence[Arm]) -> Figure:
    """The same against the device time that had been spent, failed attempts included."""
    unit, name = time_unit(max((arm.ledger.attempts for arm in arms), default=0.0))
    label = f"Time of GPUs, or of slots without one, spent on children [device-{name}]"
    along = [np.array(arm.spent, dtype=float) / unit for arm in arms]
    return _rewards("Reward over device time", label, arms, along)


def reward_distribution(arms: Sequence[Arm]) -> Figure:
    """Every reward of the first and of the last third of the trials."""
    groups: list[tuple[str, Sequence[TrialRow], str]] = []
    for arm, colour in zip(arms, ARM_COLOURS, strict=False):
        early, late = thirds(arm.answers)
        if len(arm.answers) > 2:
            groups.append((f"{arm.title},\nfirst third", early, colour))
            groups.append((f"{arm.title},\nlast third", late, colour))
        elif arm.answers:
            groups.append((f"{arm.title},\nso far", arm.answers, colour))
    figure = new_figure(height=0.75 * max(2, len(groups)))
    axes = figure.axes[0]
    axes.set_title("Rewards early and late", pad=20)
    everything = [reward for _, trials, _ in groups for reward in _trained(trials)]
    if not everything:
        nothing_yet(axes, NONE_TRAINED if groups else NONE_YET)
        return figure
    low, high = min(everything), max(everything)
    failed_at = low - 0.15 * (high - low or 0.1)
    for row, (_, trials, colour) in enumerate(groups):
        _strip(axes, row, trials, colour, failed_at)
    if any(trial.failed for _, trials, _ in groups for trial in trials):
        across = axes.get_xaxis_transform()
        axes.text(failed_at, 1.02, "failed", transform=across, ha="center", color=GREY, fontsize=8)
    names = [name for name, _, _ in groups]
    axes.set(yticks=range(len(groups)), yticklabels=names, ylim=(len(groups) - 0.5, -0.5))
    axes.set_xlabel("Reward (a dot for each trained network, a bar at their mean)")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    return figure


def _strip(axes: Axes, row: int, trials: Sequence[TrialRow], colour: str, failed_at: float) -> None:
    rewards, failed = _trained(trials), sum(trial.failed for trial in trials)
    places = row + np.random.default_rng(row).uniform(-0.25, 0.25, len(trials))
    opaque = 0.6 if len(rewards) < MANY else 0.15
    axes.plot([failed_at] * failed, places[len(rewards) :], "x", ms=5, color=colour, alpha=opaque)
    axes.plot(
        rewards, places[: len(rewards)], "o", ms=4, color=colour, alpha=opaque, mew=0, zorder=3
    )
    text = f"{len(rewards)} trained"
    if rewards:
        mean = fmean(rewards)
        axes.plot([mean, mean], [row - 0.36, row + 0.36], color=INK, lw=2)
        text = f"mean {mean:{reward_form(mean, 3)}}\n{text}"
    beside(axes, row, text + (f", {failed} failed" if failed else ""))


def _rewards(title: str, label: str, arms: Sequence[Arm], along: Sequence[np.ndarray]) -> Figure:
    """A dot for each trial, a thin moving mean, a thick best so far; failures along the bottom.

    Where the space grows for the first strategy, the search, a dotted line says so.
    """
    figure = new_figure()
    axes = figure.axes[0]
    axes.set(title=title, xlabel=label, ylabel="Reward (a dot for each trial)")
    if not any(arm.ranking for arm in arms):
        nothing_yet(axes, NONE_TRAINED if any(arm.answers for arm in arms) else NONE_YET)
        return figure
    ends: list[tuple[float, float, str, str]] = []
    failures = False
    # The search comes last and so lies on top.
    for arm, x, colour in reversed(list(zip(arms, along, ARM_COLOURS, strict=False))):
        trained = np.array([row.status == "ok" for row in arm.answers], dtype=bool)
        rewards = np.where(trained, arm.rewards, np.nan)
        failed = x[~trained]
        across = axes.get_xaxis_transform()
        axes.plot(failed, 0 * failed, "|", ms=11, color=colour, transform=across, clip_on=False)
        failures |= bool(len(failed))
        if not trained.any():
            continue
        opaque = 0.35 if len(x) < MANY else 0.12
        axes.plot(x, rewards, "o", ms=3.5, color=colour, alpha=opaque, mew=0)
        window = max(1, len(x) // 5)
        if window > 1:
            mean = moving_mean(rewards, window)
            mean[: window - 1] = np.nan  # of too few
            axes.plot(x, mean, color=colour, lw=1, ls=(0, (4, 2)))
            ends.append((x[-1], mean[-1], f"{arm.title}, mean of last {window}", colour))
        best = np.fmax.accumulate(rewards)
        axes.step(x, best, where="post", color=colour)
        found = format(best[-1], reward_form(best[-1], 3))
        ends.append((x[-1], best[-1], f"{arm.title}, best so far {found}", colour))
    axes.set_xlim(0, 1.02 * max(x.max(initial=0) for x in along) or 1.0)
    axes.locator_params(axis="x", integer=True)
    mark(axes, steps_along(arms[0], along[0].tolist()), ARM_COLOURS[0])
    if failures:
        beside(axes, 0, "failed trials", GREY, transform=axes.transAxes)
    label_ends(axes, [end for end in ends if np.isfinite(end[1])])
    return figure


def _trained(trials: Sequence[TrialRow]) -> list[float]:
    return [t.reward for t in trials if t.reward is not None and t.status == "ok"]
