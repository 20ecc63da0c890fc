"""A sub-command that looks whether a search could run, before it does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from nas_hpc.commands.arguments import ExperimentName

app = typer.Typer()

CHILDREN = Path("slurm/children.yaml")


@app.command()
def doctor(
    experiment: ExperimentName = "digits",
    children: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"How children run on Slurm; else {CHILDREN} on a machine with sbatch.",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(metavar="MINUTES", help="For the start of a job on a node.")
    ] = 10.0,
    mpiexec: Annotated[
        str, typer.Option(help="Starts MPI programs; the number of ranks is appended.")
    ] = "mpiexec -launcher fork",
) -> None:
    """Look whether a search could run here: one line for each check, and how to mend it.

    On a cluster a job with the settings of the children is submitted and looks around on its node.
    Without EXPERIMENT it is "digits". Exit code 1 if anything has failed.

        nas-hpc doctor digits --children slurm/children.yaml
    """
    from rich.console import Console

    from nas_hpc.doctor import examine
    from nas_hpc.experiment import read, read_arrays

    if children is None and shutil.which("sbatch") is not None:
        children = CHILDREN
    arrays = None if children is None else read_arrays(children)
    if examine(read(experiment), arrays, mpiexec, wait, Console(highlight=False)):
        raise typer.Exit(1)
