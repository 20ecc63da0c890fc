"""Sub-commands that show how an experiment goes and what it has found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_hpc.commands.arguments import ExperimentName

app = typer.Typer()


@app.command()
def analyse(
    experiment: ExperimentName,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For tables and figures; else analysis/<experiment>."),
    ] = None,
) -> None:
    """Write the tables and figures of an experiment, of whatever there is so far.

    nas-hpc analyse digits && ls analysis/digits
    """
    from nas_hpc.experiment import read
    from nas_hpc.report import analyse as write

    asked = read(experiment)
    write(asked, results or Path("analysis") / asked.name)


@app.command()
def show(
    experiment: ExperimentName,
    count: Annotated[int, typer.Option(help="How many architectures.")] = 5,
) -> None:
    """Show the best architectures found so far, drawn as text.

    nas-hpc show digits --count 3
    """
    from nas_hpc.experiment import read
    from nas_hpc.report import show as draw

    draw(read(experiment), count)


@app.command()
def status(
    experiment: ExperimentName,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
) -> None:
    """Say how far an experiment has come; disturbs nothing that runs.

    nas-hpc status digits --watch
    """
    from nas_hpc.experiment import read
    from nas_hpc.report import status as tell

    tell(read(experiment), watch)
