"""The numbers of samples: given once each, gaps that a dead session left first."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from nas_hpc.experiment import Experiment
from nas_hpc.policies.strategy import Request


class Numbering:
    """Numbers samples from 0; a sample's number decides the space's arguments (its depth)."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._bound = experiment.budget.trials * experiment.budget.samples_per_trial
        self._next = 0
        self._gaps: deque[int] = deque()

    @property
    def room(self) -> int:
        """Samples that may still be asked for; see ``budget.samples_per_trial``."""
        return self._bound - self._next + len(self._gaps)

    def requests(self, count: int) -> tuple[Request, ...]:
        """The next so many samples, to be asked for."""
        numbers = [self._give() for _ in range(count)]
        return tuple(Request(number, self._experiment.arguments(number)) for number in numbers)

    def restore(self, taken: Container[int], after: int) -> None:
        """Go on with numbers from ``after``; those before it that nobody took are given first."""
        self._next = after
        self._gaps = deque(number for number in range(after) if number not in taken)

    def _give(self) -> int:
        if self._gaps:
            return self._gaps.popleft()
        self._next += 1
        return self._next - 1
