"""The sub-command that hands the winner on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_hpc.commands.arguments import ExperimentName

app = typer.Typer()


@app.command()
def export(
    experiment: ExperimentName,
    to: Annotated[
        Path, typer.Option(metavar="FOLDER", help="For model.pt, model.py and model.onnx.")
    ],
    seed: Annotated[
        int | None,
        typer.Option(help="Number of a final training; else the best on validation data."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="One of retrain.variants; else what was found itself.")
    ] = None,
) -> None:
    """Write the finally trained network as files that do without this package.

    model.pt has the weights, and all that is known of the network; model.py is a module that builds
    it and needs torch alone; model.onnx is the same for other programs:

        nas-hpc export digits --to best && cd best && python -c 'import model; print(model.load())'
    """
    from nas_hpc.experiment import read
    from nas_hpc.export.files import export as write
    from nas_hpc.export.winner import winner

    asked = read(experiment)
    found = winner(asked, seed, variant)
    files = ", ".join(str(file) for file in write(found, to))
    print(
        f"[{asked.name}] trial {found.facts['trial']}, "
        f"test accuracy {found.facts['test_accuracy']:.4f}: {files}"
    )
