"""Sub-commands of the final training, in the order of the workflow, and of a single training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nas_hpc.commands.arguments import Children, ExperimentName, Marker

app = typer.Typer()


@app.command()
def candidates(experiment: ExperimentName) -> None:
    """List the best trials of the search, by reward.

    nas-hpc candidates digits && cat runs/digits/retrain/candidates.json
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import candidates as step

    asked = read(experiment)
    trials = ", ".join(f"{found['trial']} ({found['reward']:.4f})" for found in step(asked))
    print(f"[{asked.name}] best trials: {trials}")


@app.command()
def rescore(
    experiment: ExperimentName,
    candidate: Annotated[int, typer.Option(help="Its place among the candidates, from 0.")],
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train a candidate again with new seeds: its first reward was the luckiest of many.

    nas-hpc rescore digits --candidate 0
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import rescore as step

    asked = read(experiment, children)
    found = _marked(step(asked, candidate), marker)
    spread = "" if found["sd"] is None else f" ± {found['sd']:.4f}"
    print(f"[{asked.name}] trial {found['trial']}, new seeds: reward {found['mean']:.4f}{spread}")


@app.command()
def shortlist(experiment: ExperimentName) -> None:
    """Keep the candidates with the best mean reward under new seeds.

    nas-hpc shortlist digits
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import shortlist as step

    asked = read(experiment)
    trials = ", ".join(f"{found['trial']} ({found['mean']:.4f})" for found in step(asked))
    print(f"[{asked.name}] through the grid go trials: {trials}")


@app.command()
def grid(
    experiment: ExperimentName,
    top: Annotated[int, typer.Option(help="Place of the architecture in the shortlist, from 0.")],
    point: Annotated[int, typer.Option(help="Number of the grid point, from 0.")],
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train an architecture of the shortlist at one point of the grid.

    nas-hpc grid digits --top 0 --point 3
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import grid_point as step

    asked = read(experiment, children)
    found = _marked(step(asked, top, point), marker)
    print(f"[{asked.name}] point {top}-{point}: {_sentence(found)}")


@app.command()
def choose(experiment: ExperimentName) -> None:
    """Choose the point of the grid with the best reward; it comes from validation data.

    nas-hpc choose digits && cat runs/digits/retrain/chosen.json
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import choose as step

    asked = read(experiment)
    found = step(asked)
    print(f"[{asked.name}] chosen: point {found['top']}-{found['point']}: {_sentence(found)}")


@app.command()
def final(
    experiment: ExperimentName,
    seed: Annotated[int, typer.Option(help="Number of the training, from 0.")],
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train the chosen point with a new seed, and score it on test data.

    nas-hpc final digits --seed 0
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import final as step

    asked = read(experiment, children)
    found = _marked(step(asked, seed), marker)
    print(f"[{asked.name}] seed {seed}: {_sentence(found)}{_tested(found)}")


@app.command()
def variant(
    experiment: ExperimentName,
    variant: Annotated[int, typer.Option(help="Its place in retrain.variants, from 0.")],
    seed: Annotated[int, typer.Option(help="Number of the training, from 0.")],
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train a variant of the chosen architecture as the latter, and score it on test data.

    nas-hpc variant digits --variant 0 --seed 0
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import variant as step

    asked = read(experiment, children)
    found = _marked(step(asked, variant, seed), marker)
    print(f"[{asked.name}] {found['variant']}, seed {seed}: {_sentence(found)}{_tested(found)}")


@app.command()
def train(
    experiment: ExperimentName,
    trial: Annotated[int | None, typer.Option(help="Number of a trial of a search.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Whose trial; else search.strategy.")] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON with an architecture, such as chosen.json."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of training.epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of training.batch_size.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Instead of training.learning_rate.")
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Instead of training.weight_decay.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the trial's.")] = None,
) -> None:
    """Train one architecture, and keep its weights; prints the result as JSON.

    A trial of the search again, but for longer:

        nas-hpc train digits --trial 12 --epochs 50

    What the final training chose, with another seed:

        nas-hpc train digits --tokens runs/digits/retrain/chosen.json --seed 7
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.single import train_one

    own = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
    }
    changes = {key: value for key, value in own.items() if value is not None}
    print(json.dumps(train_one(read(experiment), trial, strategy, tokens, changes, seed), indent=1))


def _marked(found: dict[str, Any], marker: Path | None) -> dict[str, Any]:
    """What a step has found, which is also what its marker says."""
    from nas_hpc.store import write_json

    if marker is not None:
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_json(marker, found)
    return found


def _tested(found: dict[str, Any]) -> str:
    accuracy = found["test_accuracy"]
    return "" if accuracy is None else f", test accuracy {accuracy:.4f}"


def _sentence(found: dict[str, Any]) -> str:
    how = found["training"]
    ended = f"reward {found['reward']:.4f}" if found["status"] == "ok" else found["status"]
    rate = "chosen by the policy" if how["learning_rate"] is None else f"{how['learning_rate']:g}"
    return (
        f"trial {found['trial']}, learning rate {rate}, "
        f"weight decay {how['weight_decay']:g}, batch norm epsilon {how['batch_norm_epsilon']:g}, "
        f"decay at {list(how['decay_at'])}: {ended}"
    )
