"""How many trainings and jobs the stages of an experiment are, and what they will cost."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from nas_hpc.experiment import Arrays, Experiment
from nas_hpc.plan.child_seconds import ChildSeconds
from nas_hpc.policies import is_replicated
from nas_hpc.report.arms import strategies, title
from nas_hpc.retrain import contenders, points
from nas_hpc.search.configuration import of_strategy
from nas_hpc.search.pace import Pace


@dataclass(frozen=True)
class Places:
    """Where children will train.

    Attributes:
        gpus: at a time; where there are none, slots.
        arrays: in which tasks they come; None on one machine.
        job_seconds: time limit of the jobs of searches and of the final stage; None: unknown.
    """

    gpus: float
    arrays: Arrays | None
    job_seconds: float | None = None

    @classmethod
    def of(
        cls, experiment: Experiment, gpus: float | None, job_minutes: float | None = None
    ) -> Places:
        """Those of the experiment, or so many GPUs."""
        slots = experiment.slots
        limit = None if job_minutes is None else 60 * job_minutes
        return cls(slots.count * slots.devices if gpus is None else gpus, slots.arrays, limit)

    @property
    def devices(self) -> float:
        """That one child of the search occupies."""
        return self.arrays.devices if self.arrays else 1.0

    @property
    def children(self) -> int:
        """Of the search at a time."""
        return max(1, floor(self.gpus / self.devices))

    def parts(self, seconds: float) -> int:
        """Jobs, one after another, in which so much time passes; 1 if their limit is unknown."""
        return 1 if self.job_seconds is None else max(1, ceil(seconds / self.job_seconds))


@dataclass(frozen=True)
class Demand:
    """What one stage asks for.

    Attributes:
        what: it is, for people.
        trainings: of networks.
        jobs: of the workflow.
        tasks: of arrays that the search submits beside them.
        device_seconds: of all trainings.
        wall_seconds: if all places are busy all the time.
    """

    what: str
    trainings: int
    jobs: int
    tasks: int
    device_seconds: float
    wall_seconds: float


def demands(experiment: Experiment, child: ChildSeconds, places: Places) -> list[Demand]:
    """Of all stages that train, in their order."""
    return [
        *(_search(of_strategy(experiment, s), child, places) for s in strategies(experiment)),
        *_final_stage(experiment, child, places),
    ]


def most_in_flight(experiment: Experiment) -> int:
    """Trials of one strategy that are queued or running at a time, at most."""
    pace = Pace.of(experiment, is_replicated(experiment.search.strategy))
    return min(pace.replicas * pace.in_flight, experiment.budget.trials)


def _search(experiment: Experiment, child: ChildSeconds, places: Places) -> Demand:
    trials, hours = experiment.budget.trials, experiment.budget.device_hours
    seconds = child.mean(trials)
    if hours is not None:
        trials = min(trials, max(1, round(3600 * hours / (seconds * places.devices))))
        seconds = child.mean(trials)
    at_once = min(places.children, most_in_flight(experiment), trials)
    wall = trials * seconds / at_once
    return Demand(
        what=f"search: {title(experiment.search.strategy)}",
        trainings=trials,
        jobs=places.parts(wall),
        tasks=0 if places.arrays is None else _tasks(places.arrays, trials, seconds, at_once),
        device_seconds=trials * seconds * places.devices,
        wall_seconds=wall,
    )


def _tasks(arrays: Arrays, trials: int, seconds: float, at_once: int) -> int:
    """The fewest tasks, within the limits of each on time and trials."""
    together = arrays.trials_per_gpu
    by_time = trials * seconds / together / (60 * arrays.minutes)
    by_trials = trials / arrays.trials_per_task if arrays.trials_per_task else 0.0
    return ceil(max(at_once / together, by_time, by_trials))


def _final_stage(experiment: Experiment, child: ChildSeconds, places: Places) -> list[Demand]:
    """A job trains on one GPU; its networks are as large as those at the end of the search."""
    asked = experiment.retrain
    short = child.at(experiment.budget.trials - 1)
    long = short * asked.epochs / experiment.training.epochs
    stages = []
    for contender in contenders(experiment).values():
        whose = f"{title(contender.strategy or contender.name)}: " if contender.name else ""
        stages += [
            (f"{whose}scored again", contender.candidates, asked.rescore_seeds, short),
            (f"{whose}grid", contender.top * len(points(asked.grid)), 1, long),
            (f"{whose}final training", asked.seeds, 1, long),
        ]
    stages += [(f"variant {name}", asked.seeds, 1, long) for name in asked.variants]
    at_once = max(1, floor(places.gpus))
    return [
        Demand(
            what=what,
            trainings=jobs * in_each,
            jobs=jobs * places.parts(in_each * seconds),
            tasks=0,
            device_seconds=jobs * in_each * seconds,
            wall_seconds=ceil(jobs / at_once) * in_each * seconds,
        )
        for what, jobs, in_each, seconds in stages
        if jobs
    ]
