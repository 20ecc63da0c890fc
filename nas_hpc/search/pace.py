"""How many samples a replica has in flight, and how many it learns from at a time."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.experiment import Experiment


@dataclass(frozen=True)
class Pace:
    """The rhythm of sampling and learning.

    Attributes:
        replicas: how many there are.
        in_flight: samples of one replica that wait for their rewards, at most.
        lesson: samples that a replica learns from at a time.
        in_groups: it asks for the next samples only when all rewards of the last ones are in (the
            paper's mode); otherwise each reward makes room for another sample at once.
    """

    replicas: int
    in_flight: int
    lesson: int
    in_groups: bool

    @classmethod
    def of(cls, experiment: Experiment, replicated: bool) -> Pace:
        """What the experiment asks for; a single strategy fills the same number of slots."""
        search = experiment.search
        size = search.children_per_replica
        if not replicated:
            return cls(1, in_flight=search.replicas * size, lesson=1, in_groups=False)
        return cls(search.replicas, size, size, in_groups=search.mode == "paper")
