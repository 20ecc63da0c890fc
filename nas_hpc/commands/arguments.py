"""Arguments that several sub-commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ExperimentName = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        help="Name of a file in workflow/experiments, or the path of a YAML file.",
        show_default=False,
    ),
]
Marker = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write this file once it is done; for workflows."),
]
Children = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="How children run as Slurm arrays; else they run here."),
]
