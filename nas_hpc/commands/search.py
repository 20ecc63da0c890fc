"""Sub-commands that start and stop searches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_hpc.commands.arguments import Children, ExperimentName, Marker

app = typer.Typer()


@app.command()
def search(
    experiment: ExperimentName,
    strategy: Annotated[
        str | None, typer.Option(help="Which of the experiment's strategies; else search.strategy.")
    ] = None,
    marker: Marker = None,
    mpiexec: Annotated[
        str, typer.Option(help="Starts MPI programs; the number of ranks is appended.")
    ] = "mpiexec -launcher fork",
    children: Children = None,
    attempt: Annotated[
        int, typer.Option(min=1, help="Of a workflow: from 2 on, what was stopped stays so.")
    ] = 1,
) -> None:
    """Search for architectures until the budget is spent.

    It may be stopped or killed at any time: the same command goes on where it stopped, and follows
    a search that is already running.

        nas-hpc prepare digits
        nas-hpc search digits --strategy random
        nas-hpc search digits --children slurm/children.yaml
    """
    from nas_hpc.experiment import read
    from nas_hpc.search.launch import launch

    strategy = strategy or read(experiment).search.strategy
    launch(experiment, strategy, marker, mpiexec, children, attempt)


@app.command()
def stop(
    experiment: ExperimentName,
    now: Annotated[
        bool, typer.Option("--now", help="End the children too, instead of awaiting them.")
    ] = False,
) -> None:
    """End the searches of an experiment, and wait for that; the same search command goes on.

    nas-hpc stop digits
    """
    from nas_hpc.experiment import read
    from nas_hpc.search.stop import stop as stop_searches

    stop_searches(read(experiment), now, print)


@app.command(hidden=True)
def child(
    run: Annotated[Path, typer.Argument(help="Folder of the search.")],
    slot: Annotated[str, typer.Argument(help="Slot whose trials it trains.")],
) -> None:
    """Train trials for one slot; started by the slot."""
    from nas_hpc.children.process import main as train_for_slot

    train_for_slot(run, slot)
