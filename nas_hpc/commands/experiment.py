"""Sub-commands about an experiment's configuration, and what is made ready for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_hpc.commands.arguments import Children, ExperimentName, Marker

if TYPE_CHECKING:
    from nas_hpc.experiment import Experiment

app = typer.Typer()


@app.command()
def config(experiment: ExperimentName) -> None:
    """Print an experiment's configuration as JSON, defaults filled in.

    To see with which learning rate the controller of the experiment "digits" learns:

        nas-hpc config digits | grep -A8 controller
    """
    from nas_hpc.experiment import read

    print(read(experiment).model_dump_json(indent=1))


@app.command()
def schema() -> None:
    """Print the JSON schema of experiments, which explains every key.

    After a change of nas_hpc/experiment/model.py:

        nas-hpc schema > workflow/schemas/experiment.schema.json
    """
    from nas_hpc.experiment.schema import experiment_schema

    described = experiment_schema()
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print(json.dumps(draft | described, indent=1, ensure_ascii=False))


@app.command()
def prepare(experiment: ExperimentName, marker: Marker = None) -> None:
    """Make the data files, and try in small what the experiment names.

    An architecture is drawn and trained for one epoch of two small batches, so that a mistake in
    your own space, data or child shows before a search begins. The experiments of retrain.transfer
    are made ready too:

        nas-hpc prepare path/to/mine.yaml
    """
    from nas_hpc.experiment import read, read_targets
    from nas_hpc.store import write_json

    asked = read(experiment)
    for target in read_targets(asked):
        _prepare(target)
    fingerprint = _prepare(asked)
    if marker is not None:
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_json(marker, {"fingerprint": fingerprint})


def _prepare(experiment: Experiment) -> str:
    """Make an experiment's data, try in small what it names, say so; the data's fingerprint."""
    from nas_hpc.children import prepare as prepare_data
    from nas_hpc.search.rehearsal import naming, rehearse

    place = Path(experiment.runs) / experiment.name
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    with naming("data", experiment.data.name):
        about = prepare_data(experiment, place / "data")
    status = rehearse(experiment, place / "data").status
    sizes = ", ".join(f"{about[part][0]} {part}" for part in ("train", "validation", "test"))
    what = "images" if "classes" in about else "tokens"
    print(f"[{experiment.name}] {sizes} {what}; a rehearsal of two small batches: {status}")
    return str(about["fingerprint"])


@app.command()
def plan(
    experiment: ExperimentName,
    children: Children = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=1, help="At a time; else as many as the configuration asks for."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="That one child trains in the search; else recorded, or measured now."
        ),
    ] = None,
    job_minutes: Annotated[
        float | None,
        typer.Option(min=1, help="Time limit of the workflow's jobs, to count their parts."),
    ] = None,
) -> None:
    """Say what an experiment will ask for before it starts: jobs, device-hours, time, disk.

    Without --seconds a few architectures are trained for an epoch, unless trials are recorded:

        nas-hpc plan digits --children slurm/children.yaml --gpus 16
    """
    from nas_hpc.experiment import read
    from nas_hpc.plan.table import plan as tell

    tell(read(experiment, children), gpus, seconds, job_minutes)
