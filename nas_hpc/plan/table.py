"""The plan of an experiment on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nas_hpc.experiment import Experiment
from nas_hpc.plan.child_seconds import ChildSeconds, given, measured, recorded
from nas_hpc.plan.demand import Demand, Places, demands
from nas_hpc.plan.footprint import DRAWN, bytes_of_a_trial, footprint
from nas_hpc.policies import is_replicated
from nas_hpc.report.arms import read_arms
from nas_hpc.report.words import device_hours, duration
from nas_hpc.retrain import contenders
from nas_hpc.search.ranks import Ranks


def plan(
    experiment: Experiment,
    gpus: float | None = None,
    seconds: float | None = None,
    job_minutes: float | None = None,
    console: Console | None = None,
) -> None:
    """Print what an experiment will ask for.

    Args:
        experiment: the configuration.
        gpus: at a time; those of the configuration unless given.
        seconds: that one child trains; recorded or measured unless given.
        job_minutes: time limit of the workflow's jobs; None: none is divided into parts.
        console: to print on.

    Raises:
        ExperimentError, OwnCodeError, DataError, DamagedFile: nothing can be trained or read.
    """
    console = console or Console(highlight=False)
    places = Places.of(experiment, gpus, job_minutes)
    if seconds is None:
        child = recorded(read_arms(experiment)) or measured(experiment)
    else:
        child = given(seconds)
    table = demands(experiment, child, places)
    title = f": {experiment.title}" if experiment.title else ""
    console.print(f"[bold]{escape(experiment.name)}[/]{escape(title)}")
    for line in (_seconds(experiment, child, places), _places(experiment, places)):
        console.print(escape(line), soft_wrap=True)
    console.print(_table(table, places))
    for line in [*_elsewhere(experiment), *_disk(experiment, places, child), *ASSUMED]:
        console.print(escape(line), soft_wrap=True)


ASSUMED = (
    "Assumed: nothing waits in a queue, no attempt fails, no architecture is proposed twice, and "
    "no place is ever idle, though in search.mode paper replicas wait for their slowest child. "
    "Strategies share the places, or take turns with them.",
)


def _elsewhere(experiment: Experiment) -> list[str]:
    """What is trained as other experiments say, whose time is not known here."""
    asked = experiment.retrain
    trainings = asked.seeds * len(contenders(experiment))
    return [
        f"Not in these numbers: {trainings} trainings in {target}; what one takes says: "
        f"nas-hpc plan {target}"
        for target in asked.transfer
    ]


def _seconds(experiment: Experiment, child: ChildSeconds, places: Places) -> str:
    first, last = child.at(0), child.at(experiment.budget.trials - 1)
    span = (
        duration(first) if first == last else f"{duration(first)} at first, {duration(last)} last"
    )
    line = f"One child of the search trains for {span}: {child.source}."
    if child.device == "cpu" and places.arrays is not None and places.arrays.gpus:
        line += " On the GPUs of the arrays it will take another time: give it with --seconds."
    return line


def _places(experiment: Experiment, places: Places) -> str:
    search = experiment.search
    ranks = Ranks.of(experiment, is_replicated(search.strategy)).size
    on_gpus = places.arrays is not None and places.arrays.gpus
    what = "GPUs" if on_gpus else "slots" + (" of this machine" if places.arrays is None else "")
    return (
        f"At a time: {places.gpus:g} {what}, {places.children} children of a search; "
        f"a search is {ranks} MPI ranks."
    )


def _table(rows: Sequence[Demand], places: Places) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("stage", no_wrap=True)
    for name in ("trainings", "jobs", "tasks", "device-hours", "wall time"):
        table.add_column(name, justify="right")
    whole = Demand(
        "in all",
        sum(row.trainings for row in rows),
        sum(row.jobs for row in rows),
        sum(row.tasks for row in rows),
        sum(row.device_seconds for row in rows),
        sum(row.wall_seconds for row in rows),
    )
    for row in (*rows, whole):
        if row is whole:
            table.add_section()
        table.add_row(
            escape(row.what),
            f"{row.trainings:,}",
            f"{row.jobs:,}",
            f"{row.tasks:,}" if places.arrays else "-",
            device_hours(row.device_seconds),
            duration(row.wall_seconds),
        )
    return table


def _disk(experiment: Experiment, places: Places, child: ChildSeconds) -> list[str]:
    trial = bytes_of_a_trial(experiment)
    found = footprint(experiment, places, trial, child.parameters)
    weights = "" if child.parameters else "; without weights, whose size is not known"
    return [
        f"Files under {experiment.runs}/{experiment.name}: about {found.files:,} at the end, "
        f"at most {found.most_files:,}.",
        f"Disk: about {_bytes(found.bytes)} at the end, at most {_bytes(found.most_bytes)}: "
        f"{_bytes(trial)} a trial, from a file of {DRAWN} drawn ones{weights}.",
    ]


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"
