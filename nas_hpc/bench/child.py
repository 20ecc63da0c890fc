"""What `nas-hpc bench child` measures, prints and writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nas_hpc.bench.crowd import Crowd, crowd
from nas_hpc.bench.device import checked
from nas_hpc.bench.machine import machine
from nas_hpc.bench.peak import flops, reachable
from nas_hpc.bench.race import Comparison, Lap, Subject, race, some, subjects
from nas_hpc.children import load_search, prepared
from nas_hpc.children.data import make_dataset
from nas_hpc.children.dataset import Dataset
from nas_hpc.children.evaluation import device_of
from nas_hpc.children.network import parameters
from nas_hpc.experiment import Experiment, ExperimentError, Training
from nas_hpc.spaces import describe
from nas_hpc.store import RunFolder
from nas_hpc.store.durable import write_json

GPU_CROWDS = (1, 2, 4, 8)
"""Children at a time that are tried on a GPU, unless others are asked for."""


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        architectures: that are drawn.
        rounds: in which both arms train each of them once.
        images: of the training data; None: all.
        workers: processes of each loader of the plain loop.
        crowds: children at a time to try beside it; None: `GPU_CROWDS` on a GPU, else none.
    """

    architectures: int = 3
    rounds: int = 5
    images: int | None = None
    workers: int = 2
    crowds: Sequence[int] | None = None


@dataclass(frozen=True)
class Result:
    """What was found out.

    Attributes:
        entered: architectures.
        sizes: of their networks, trained weights.
        work: of one training of each, in floating-point operations.
        reachable: operations per second of a large matrix product on the device.
        laps: all trainings.
        crowds: children at a time.
    """

    entered: Sequence[Subject]
    sizes: Sequence[int]
    work: Sequence[float]
    reachable: float
    laps: Sequence[Lap]
    crowds: Sequence[Crowd]

    def comparison(self, subject: int) -> Comparison:
        """Of one architecture."""
        return Comparison.of([lap for lap in self.laps if lap.subject == subject])

    def share(self, subject: int) -> float:
        """Of `reachable` that the child uses, set-up and scoring included, from 0 to 1."""
        own = [lap for lap in self.laps if (lap.subject, lap.arm) == (subject, "child")]
        return self.work[subject] / median(lap.seconds for lap in own) / self.reachable


def bench_child(
    experiment: Experiment,
    extent: Extent,
    device: str | None = None,
    file: Path | None = None,
    console: Console | None = None,
) -> None:
    """Measure how fast children train, beside a plain loop of the same networks, and print it.

    Args:
        experiment: what is drawn, and how it is trained.
        extent: how much of it.
        device: as torch names it; a GPU if there is one unless given.
        file: for everything that was measured, as JSON.
        console: to print on.

    Raises:
        ExperimentError, DataError: nothing can be trained, or not on this device.
    """
    console = console or Console(highlight=False)
    device = device_of("") if device is None else checked(device)
    torch.set_num_threads(experiment.slots.threads)
    data = _data(experiment)
    if extent.images is not None:
        data = some(data, extent.images)
    entered = subjects(experiment, extent.architectures)
    here = machine(device)
    console.print(escape(_where(experiment, here)), soft_wrap=True)
    console.print(escape(_what(experiment, extent, data)), soft_wrap=True)
    with console.status("training") as status:

        def told(lap: Lap) -> None:
            status.update(f"round {lap.round + 1} of {extent.rounds}, architecture {lap.subject}")

        laps = race(experiment, entered, data, device, extent.rounds, extent.workers, told)
        default = GPU_CROWDS if device.startswith("cuda") else ()
        crowds = []
        for children in default if extent.crowds is None else extent.crowds:
            status.update(f"{children} children at a time")
            crowds.append(crowd(children, entered, data, device))
        networks = [subject.network(data, 0) for subject in entered]
        result = Result(
            entered,
            [parameters(network) for network in networks],
            [flops(n, data, s.training) for n, s in zip(networks, entered, strict=True)],
            reachable(device),
            laps,
            crowds,
        )
    console.print(table(result))
    for line in summary(result):
        console.print(escape(line), soft_wrap=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, as_json(experiment, extent, data, here, result))


def table(result: Result) -> Table:
    """One row for each architecture."""
    shown = Table(box=SIMPLE_HEAD)
    shown.add_column("parameters", justify="right")
    shown.add_column("images/s\nchild / plain", justify="right")
    shown.add_column("ratio\n(single rounds)", justify="right")
    shown.add_column("accuracy\nchild / plain", justify="right")
    shown.add_column("of peak\nchild", justify="right")
    for i, size in enumerate(result.sizes):
        found = result.comparison(i)
        shown.add_row(
            f"{size:,}",
            f"{found.child:,.0f} / {found.plain:,.0f}",
            f"{found.ratio:.2f} ({found.lowest:.2f}-{found.highest:.2f})",
            f"{found.child_accuracy:.3f} / {found.plain_accuracy:.3f}",
            f"{result.share(i):.1%}",
        )
    return shown


def summary(result: Result) -> list[str]:
    """What the table comes to."""
    every = Comparison.of(result.laps)
    ratios = [result.comparison(i).ratio for i in range(len(result.entered))]
    lines = [
        f"All together: the child is {every.ratio:.2f} times as fast as the plain loop "
        f"(architectures {min(ratios):.2f} to {max(ratios):.2f}, single rounds "
        f"{every.lowest:.2f} to {every.highest:.2f}); mean validation accuracy "
        f"{every.child_accuracy:.3f}, of the plain loop {every.plain_accuracy:.3f}.",
        f"Seconds are medians over the rounds, with building and with scoring after each epoch. "
        f"Peak: {result.reachable / 1e12:.3g} TFLOP/s in a large matrix product here.",
    ]
    for one in result.crowds:
        lines.append(f"{one.children} at a time: {one.images_per_second:,.0f} images/s together.")
    return lines


def as_json(
    experiment: Experiment,
    extent: Extent,
    data: Dataset,
    here: dict[str, Any],
    result: Result,
) -> dict[str, Any]:
    """Everything that was measured, and of what."""
    rows = []
    for i, subject in enumerate(result.entered):
        found = result.comparison(i)
        rows.append(
            {
                "architecture": describe(subject.architecture),
                "sample": subject.sample,
                "training": json.loads(subject.training.model_dump_json()),
                "parameters": result.sizes[i],
                "flops": result.work[i],
                "share_of_peak": result.share(i),
                "ratio": found.ratio,
                **asdict(found),
            }
        )
    every = Comparison.of(result.laps)
    return {
        "experiment": experiment.name,
        "extent": asdict(extent),
        "images": {"training": len(data.train), "validation": len(data.validation)},
        "machine": here,
        "peak_flops_per_second": result.reachable,
        "together": {"ratio": every.ratio, **asdict(every)},
        "architectures": rows,
        "laps": [asdict(lap) for lap in result.laps],
        "at_a_time": [asdict(one) for one in result.crowds],
    }


def _data(experiment: Experiment) -> Dataset:
    folder = RunFolder.of(experiment).data
    there = prepared(experiment, folder) is not None
    data = load_search(folder) if there else make_dataset(experiment.data)
    if not isinstance(data, Dataset):
        raise ExperimentError(
            f"{experiment.name}: this times networks of images; nas-hpc bench cell times cells"
        )
    return data


def _where(experiment: Experiment, here: dict[str, Any]) -> str:
    return (
        f"{experiment.name} on {here['device']} ({here['processor']}, {here['cores']} cores, "
        f"{here['threads']} threads, load {here['load']:.1f}), torch {here['torch']}, "
        f"commit {here['commit'] or 'unknown'}"
    )


def _what(experiment: Experiment, extent: Extent, data: Dataset) -> str:
    training = experiment.training
    assert isinstance(training, Training), "those of language models are refused before"
    return (
        f"{extent.architectures} architectures, {training.epochs} epochs of {len(data.train)} "
        f"images {list(data.train.inputs.shape[1:])}, batches of {training.batch_size}, "
        f"augmentation {training.augmentation}; {extent.rounds} rounds, {extent.workers} workers "
        f"for the plain loop"
    )
