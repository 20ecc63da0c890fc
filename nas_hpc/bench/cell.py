"""What `nas-hpc bench cell` measures, prints and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import nn

from nas_hpc.bench.cell_arms import STACK, arms
from nas_hpc.bench.device import checked
from nas_hpc.bench.machine import machine
from nas_hpc.children.network import parameters
from nas_hpc.children.training import precision
from nas_hpc.experiment import ExperimentError
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.recurrent_cell import BASELINES, RecurrentCell, StandardCell, recurrent_cell
from nas_hpc.store.durable import write_json

RANDOM = "random"


@dataclass(frozen=True)
class Size:
    """Of the networks and of what they are given.

    Attributes:
        hidden: units of each layer, and of the input.
        layers: of the network.
        batch: texts at a time.
        steps: words of each text in one pass.
        rounds: in which each arm is measured once.
        passes: forward and backward, in each round.
    """

    hidden: int = 200
    layers: int = 2
    batch: int = 20
    steps: int = 35
    rounds: int = 7
    passes: int = 5

    @property
    def words(self) -> int:
        """In a round of one arm."""
        return self.passes * self.batch * self.steps


@dataclass(frozen=True)
class Lap:
    """One arm in one round.

    Attributes:
        arm: its name.
        round: from 0.
        seconds: for all passes.
    """

    arm: str
    round: int
    seconds: float


@dataclass(frozen=True)
class Speed:
    """What the laps of an arm say.

    Attributes:
        words_per_second: by the median of the rounds.
        ratio: of the stack's words per second to the arm's, in the same round: the median,
        lowest, highest: and the range.
    """

    words_per_second: float
    ratio: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, arm: str, laps: Sequence[Lap], words: int) -> Speed:
        """Compare an arm with the stack."""
        stack = {lap.round: lap.seconds for lap in laps if lap.arm == STACK}
        own = {lap.round: lap.seconds for lap in laps if lap.arm == arm}
        ratios = [seconds / stack[turn] for turn, seconds in own.items()]
        return cls(words / median(own.values()), median(ratios), min(ratios), max(ratios))


def bench_cell(
    name: str,
    size: Size,
    device: str | None = None,
    threads: int = 1,
    file: Path | None = None,
    console: Console | None = None,
) -> None:
    """Measure how many words a second a cell is trained with, beside other ways, and print it.

    Args:
        name: of a baseline, or ``random``.
        size: of everything.
        device: as torch names it; the CPU, and a GPU if there is one, unless given.
        threads: of the CPU.
        file: for everything that was measured, as JSON.
        console: to print on.

    Raises:
        ExperimentError: there is no such cell or device.
    """
    console = console or Console(highlight=False)
    cell = cell_called(name)
    devices = [checked(device)] if device else ["cpu"] + ["cuda:0"] * torch.cuda.is_available()
    torch.set_num_threads(threads)
    written = []
    for place in devices:
        here = machine(place)
        torch.manual_seed(0)
        measured = arms(cell, size.hidden, size.layers)
        with console.status(f"measuring on {here['device']}"):
            laps = race(measured, size, place)
        speeds = {arm: Speed.of(arm, laps, size.words) for arm in measured}
        sizes = {arm: parameters(module) for arm, module in measured.items()}
        console.print(escape(_where(name, size, here)), soft_wrap=True)
        console.print(table(speeds, sizes))
        rows = [
            {"arm": arm, "parameters": sizes[arm], **asdict(speed)} for arm, speed in speeds.items()
        ]
        written.append({"machine": here, "arms": rows, "laps": [asdict(lap) for lap in laps]})
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"cell": describe(cell), "size": asdict(size), "devices": written})


def cell_called(name: str) -> RecurrentCell | StandardCell:
    """A baseline, or ``random``: a point of the space, always the same.

    Raises:
        ExperimentError: there is none of this name.
    """
    if name == RANDOM:
        drawn = draw(recurrent_cell(), {}, np.random.default_rng(0)).architecture
        assert isinstance(drawn, RecurrentCell)
        return drawn
    if name not in BASELINES:
        allowed = ", ".join([*BASELINES, RANDOM])
        raise ExperimentError(f"--cell {name}: allowed are {allowed}")
    return BASELINES[name]


def race(
    measured: Mapping[str, nn.Module],
    size: Size,
    device: str,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Lap]:
    """Let each arm go forward and backward in every round; who begins changes."""
    place, names = torch.device(device), list(measured)
    inputs = torch.randn(size.steps, size.batch, size.hidden, device=place)
    for module in measured.values():
        _train(module.to(place), inputs, 1)  # to warm up
    laps = []
    for turn in range(size.rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            begin = clock()
            _train(measured[name], inputs, size.passes)
            laps.append(Lap(name, turn, clock() - begin))
    return laps


def table(speeds: Mapping[str, Speed], sizes: Mapping[str, int]) -> Table:
    """One row for each arm."""
    shown = Table(box=SIMPLE_HEAD)
    shown.add_column("")
    shown.add_column("parameters", justify="right")
    shown.add_column("words/s", justify="right")
    shown.add_column("stack / this\n(single rounds)", justify="right")
    for arm, speed in speeds.items():
        ratio = f"{speed.ratio:.2f} ({speed.lowest:.2f}-{speed.highest:.2f})"
        shown.add_row(
            arm, f"{sizes[arm]:,}", f"{speed.words_per_second:,.0f}", "" if arm == STACK else ratio
        )
    return shown


def _train(module: nn.Module, inputs: torch.Tensor, passes: int) -> None:
    for _ in range(passes):
        module.zero_grad()
        with precision(inputs.device):
            output, _ = module(inputs)
        output.float().sum().backward()
    if inputs.is_cuda:
        torch.cuda.synchronize(inputs.device)


def _where(name: str, size: Size, here: dict[str, Any]) -> str:
    return (
        f"{name}, {size.layers} layers of {size.hidden} units, {size.batch} texts of {size.steps} "
        f"words, {size.rounds} rounds of {size.passes} passes forward and backward, on "
        f"{here['device']} ({here['processor']}, {here['cores']} cores, {here['threads']} threads, "
        f"load {here['load']:.1f}), torch {here['torch']}, commit {here['commit'] or 'unknown'}"
    )
