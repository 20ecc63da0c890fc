"""What goes through the final training: what the search has found, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.experiment import Experiment, label


@dataclass(frozen=True)
class Contender:
    """One that goes through the final training.

    Attributes:
        name: of its folder and in tables, own code by what comes after its colon; empty: what the
            search itself has found.
        strategy: whose best trials are scored again; None: a cell that no search has to find, one
            of `nas_hpc.spaces.recurrent_cell.BASELINES`, which starts at the grid.
        candidates: trials that are scored again.
        top: architectures that go through the grid.
    """

    name: str
    strategy: str | None
    candidates: int = 0
    top: int = 1


def contenders(experiment: Experiment) -> dict[str, Contender]:
    """All of them by name; what the search itself has found, under the empty name, is the first."""
    asked = experiment.retrain
    found = [Contender("", experiment.search.strategy, asked.candidates, asked.top)]
    for name in asked.beside:
        if name in experiment.compare_with:
            found.append(Contender(label(name), name, asked.candidates, asked.top))
        else:
            found.append(Contender(label(name), None))
    return {contender.name: contender for contender in found}
