"""Figures of rewards: as trials go by, as slot time goes by, and early against late."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_hpc.report.arms import Arm, thirds
from nas_hpc.report.style import ARM_COLOURS, GREY, INK, label_ends, new_figure, nothing_yet
from nas_hpc.report.trials import TrialRow

NONE_YET = "No trial has ended yet"


def reward_by_trial(arms: Sequence[Arm]) -> Figure:
    """Reward, its moving mean and the best so far against the number of trials."""
    figure = new_figure()
    axes = figure.axes[0]
    along = [np.arange(1, len(arm.answers) + 1, dtype=float) for arm in arms]
    _rewards(axes, arms, along)
    axes.set(xlabel="Trials that have ended", ylabel="Reward")
    axes.set_title(_title(arms, "trials"))
    return figure


def reward_by_time(arms: Sequence[Arm]) -> Figure:
    """The same against the slot time that had been spent, failed attempts included."""
    figure = new_figure()
    axes = figure.axes[0]
    unit, name = _unit(max((arm.slot_seconds for arm in arms), default=0.0))
    along = [_spent(arm) / unit for arm in arms]
    _rewards(axes, arms, along)
    axes.set(xlabel=f"Slot time spent on children, all slots together [{name}]", ylabel="Reward")
    axes.set_title(_title(arms, "slot time"))
    return figure


def reward_distribution(arms: Sequence[Arm]) -> Figure:
    """Every reward of the first and of the last third of the trials."""
    groups = []
    for arm, colour in zip(arms, ARM_COLOURS, strict=False):
        early, late = thirds(arm.answers)
        groups += [(f"{arm.title},\nfirst third", early, colour)] if len(arm.answers) > 2 else []
        groups += [(f"{arm.title},\nlast third", late, colour)] if late else []
    figure = new_figure(height=1.2 + 0.75 * max(1, len(groups)))
    axes = figure.axes[0]
    axes.set_title("Rewards early and late")
    if not groups:
        nothing_yet(axes, NONE_YET)
        return figure
    generator = np.random.default_rng(0)
    for row, (_, trials, colour) in enumerate(groups):
        rewards = _reward_list(trials)
        heights = row + generator.uniform(-0.25, 0.25, len(rewards))
        opaque = 0.5 if len(rewards) < 300 else 0.15
        axes.plot(rewards, heights, "o", ms=4, color=colour, alpha=opaque, mew=0)
        mean = fmean(rewards)
        axes.plot([mean, mean], [row - 0.36, row + 0.36], color=INK, lw=2)
        text = f"mean {mean:.3f}\n{_count(len(rewards), 'trial')}"
        failed = sum(trial.failed for trial in trials)
        text += f", {failed} failed" if failed else ""
        axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    names = [name for name, _, _ in groups]
    axes.set(yticks=range(len(groups)), yticklabels=names, ylim=(len(groups) - 0.5, -0.5))
    axes.set_xlabel("Reward (a dot for each trial, a bar at the mean)")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    return figure


def _rewards(axes: Axes, arms: Sequence[Arm], along: Sequence[np.ndarray]) -> None:
    """A dot for each trial, a thin moving mean, a thick best so far; failures along the bottom."""
    if not any(arm.answers for arm in arms):
        nothing_yet(axes, NONE_YET)
        return
    ends: list[tuple[float, float, str, str]] = []
    failures = False
    for arm, x, colour in zip(arms, along, ARM_COLOURS, strict=False):
        rewards = np.array(arm.rewards)
        trained = np.array([row.status == "ok" for row in arm.answers], dtype=bool)
        if not len(rewards):
            continue
        opaque = 0.35 if len(rewards) < 300 else 0.12
        axes.plot(x[trained], rewards[trained], "o", ms=3.5, color=colour, alpha=opaque, mew=0)
        if not trained.all():
            failures = True
            bottom = np.zeros((~trained).sum())
            across = axes.get_xaxis_transform()
            axes.plot(
                x[~trained], bottom, "|", ms=11, color=colour, transform=across, clip_on=False
            )
        window = max(1, len(rewards) // 8)
        mean = _moving_mean(np.where(trained, rewards, np.nan), window)
        if window > 1:
            axes.plot(x, mean, color=colour, lw=1, ls=(0, (4, 2)))
            ends.append((x[-1], mean[-1], f"{arm.title}, mean of the last {window}", colour))
        best = np.fmax.accumulate(np.where(trained, rewards, np.nan))
        axes.step(x, best, where="post", color=colour)
        if trained.any():
            ends.append((x[-1], best[-1], f"{arm.title}, best so far: {best[-1]:.3f}", colour))
    axes.set_xlim(left=0)
    axes.margins(x=0.02)
    if failures:
        axes.text(
            0.005, 0.05, "failed trials", transform=axes.transAxes, fontsize=8, color=GREY
        )
    label_ends(axes, [end for end in ends if np.isfinite(end[1])])


def _title(arms: Sequence[Arm], over: str) -> str:
    names = " and ".join(arm.title for arm in arms) or "No search"
    return f"{names[:1].upper()}{names[1:]}: reward over {over}"


def _spent(arm: Arm) -> np.ndarray:
    """Slot seconds spent by the time each of the answers came, all attempts included."""
    attempts = sorted(arm.log.outcomes, key=lambda outcome: outcome.ended)
    costs = np.cumsum([outcome.ended - outcome.started for outcome in attempts])
    at = {outcome.trial: cost for outcome, cost in zip(attempts, costs, strict=True)}
    return np.array([at[row.trial] for row in arm.answers], dtype=float)


def _moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of up to ``window`` values up to each place; NaN does not count."""
    known = np.isfinite(values)
    sums = np.cumsum(np.where(known, values, 0.0))
    counts = np.cumsum(known)
    sums[window:] = sums[window:] - sums[:-window]
    counts[window:] = counts[window:] - counts[:-window]
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)


def _reward_list(trials: Sequence[TrialRow]) -> list[float]:
    return [trial.reward for trial in trials if trial.reward is not None]


def _unit(seconds: float) -> tuple[float, str]:
    """The unit in which so many seconds are easy to read."""
    if seconds < 600:
        return 1.0, "s"
    return (60.0, "min") if seconds < 36000 else (3600.0, "h")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
