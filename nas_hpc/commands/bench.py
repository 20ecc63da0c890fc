"""Sub-commands that measure speed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_hpc.commands.arguments import ExperimentName

app = typer.Typer()
bench = typer.Typer(help="Measure how fast something is on this machine.", no_args_is_help=True)
app.add_typer(bench, name="bench")


@bench.callback()
def _several() -> None:
    """Without it, typer would leave out the name of a single sub-command."""


@bench.command()
def child(
    experiment: ExperimentName = "digits",
    architectures: Annotated[int, typer.Option(min=1, help="Drawn at random.")] = 3,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of each training; else training.epochs.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="In each, both train every architecture once.")
    ] = 5,
    images: Annotated[
        int | None, typer.Option(min=1, help="To train on, taken at random; else all.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="As torch names it; else a GPU if there is one.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the CPU, for both; else slots.threads.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare images for the plain loop.")
    ] = 2,
    at_a_time: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Also let so many children train at a time; may be repeated. On a GPU 1, 2, 4, 8.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all that was measured.")
    ] = None,
) -> None:
    """Measure how fast children train, and how well, beside a plain loop of the same networks.

    The plain loop is torchvision's transforms in a DataLoader, torch.optim.SGD, and float32:

        nas-hpc bench child digits --rounds 3 --json speed.json
    """
    from nas_hpc.bench.child import Extent, bench_child
    from nas_hpc.experiment import read

    asked = read(experiment)
    training = asked.training.model_copy(update={"epochs": epochs or asked.training.epochs})
    slots = asked.slots.model_copy(update={"threads": threads or asked.slots.threads})
    bench_child(
        asked.model_copy(update={"training": training, "slots": slots}),
        Extent(architectures, rounds, images, workers, at_a_time or None),
        device,
        json,
    )


@bench.command()
def cell(
    cell: Annotated[str, typer.Option(help="nascell, lstm, gru, or random.")] = "nascell",
    hidden: Annotated[int, typer.Option(min=1, help="Units of each layer.")] = 200,
    layers: Annotated[int, typer.Option(min=1, help="One over another.")] = 2,
    batch: Annotated[int, typer.Option(min=1, help="Texts at a time.")] = 20,
    steps: Annotated[int, typer.Option(min=1, help="Words of each text in one pass.")] = 35,
    rounds: Annotated[
        int, typer.Option(min=1, help="In each, every arm is measured once, in turns.")
    ] = 7,
    passes: Annotated[
        int, typer.Option(min=1, help="Forward and backward, of each arm in a round.")
    ] = 5,
    device: Annotated[
        str | None, typer.Option(help="As torch names it; else the CPU, and a GPU if there is one.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU.")] = 1,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all that was measured.")
    ] = None,
) -> None:
    """Measure with how many words a second a recurrent cell is trained, and torch's LSTM.

    Beside the layers that children use: nn.LSTM, a loop over nn.LSTMCell, and the same cell step by
    step, with two matrices for each leaf; no embedding, no optimiser:

        nas-hpc bench cell --hidden 650 --json cell.json
    """
    from nas_hpc.bench.cell import Size, bench_cell

    size = Size(hidden, layers, batch, steps, rounds, passes)
    bench_cell(cell, size, device, threads, json)
