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
def compare(
    experiments: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPERIMENT...",
            help="Finished repeats under seeds of their own, named as everywhere.",
            show_default=False,
        ),
    ],
    others: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="EXPERIMENT", help="One for each of them, in their order."),
    ] = None,
    contender: Annotated[
        str | None,
        typer.Option(help="Instead: what each has in retrain.beside; random unless given."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="FOLDER", help="For tables and figure.")] = Path(
        "analysis/repeats"
    ),
) -> None:
    """Compare independent repeats of a search, pair by pair, with intervals.

    What each search has found beside what random search has found in the same experiment:

        nas-hpc compare digits-1 digits-2 digits-3 --contender random

    Experiments beside others, paired in this order:

        nas-hpc compare a-1 a-2 a-3 --with b-1 --with b-2 --with b-3
    """
    from nas_hpc.experiment import read
    from nas_hpc.report import compare as write

    if others and contender:
        raise typer.BadParameter("give either --with or --contender")
    first, second = [[read(name) for name in names] for names in (experiments, others or [])]
    write(first, second, contender or "random", results)
    print(f"tables and figure: {results}")


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
