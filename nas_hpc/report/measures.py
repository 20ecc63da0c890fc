"""Results and rewards for people: with how many digits, and the best first."""

from __future__ import annotations

from math import floor, log10

from nas_hpc.experiment.measure import ACCURACY, Measure


def form(name: str, value: float) -> str:
    """How a number of the measure of this name is written, as `format` understands it.

    Example:
        >>> format(0.95, form("accuracy", 0.95)), format(123.44, form("perplexity", 123.44))
        ('0.9500', '123.4')
    """
    if name == ACCURACY.name:
        return ".4f"
    return ",.1f" if value >= 10 else ".3f"  # below 10 there are characters, or almost no secrets


def reward_form(reward: float, decimals: int = 4) -> str:
    """How a reward is written: with so many decimals, or as many as show three digits of it.

    Those of language models are small: 80 / 120**2 = 0.00556.
    """
    size = abs(reward)
    if 0 < size < 1e-4:
        return ".2e"
    return f".{max(decimals, 2 - floor(log10(size))) if 0 < size < 1 else decimals}f"


def rank(measure: Measure, value: float) -> float:
    """A key by which the best comes first when sorted."""
    return -value if measure.best is max else value
