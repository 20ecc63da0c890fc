"""Sub-commands of the final training, in the order of the workflow, and of a single training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_hpc.commands.arguments import Children, ExperimentName, Marker

if TYPE_CHECKING:
    from nas_hpc.experiment import Experiment

app = typer.Typer()

Contender = Annotated[
    str,
    typer.Option(metavar="NAME", help="One of retrain.beside; else what the search has found."),
]


@app.command()
def candidates(experiment: ExperimentName, contender: Contender = "") -> None:
    """List the best trials of the search, by reward.

    nas-hpc candidates digits && cat runs/digits/retrain/candidates.json
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import candidates as step

    asked = read(experiment)
    found = step(asked, contender)
    trials = ", ".join(f"{entry['trial']} ({entry['reward']:.4f})" for entry in found)
    _say(asked, contender, f"best trials: {trials}")


@app.command()
def rescore(
    experiment: ExperimentName,
    candidate: Annotated[int, typer.Option(help="Its place among the candidates, from 0.")],
    contender: Contender = "",
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train a candidate again with new seeds: its first reward was the luckiest of many.

    nas-hpc rescore digits --candidate 0
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import rescore as step

    asked = read(experiment, children)
    found = _marked(step(asked, candidate, contender), marker)
    spread = "" if found["sd"] is None else f" ± {found['sd']:.4f}"
    trial, mean = found["trial"], found["mean"]
    _say(asked, contender, f"trial {trial}, new seeds: reward {mean:.4f}{spread}")


@app.command()
def shortlist(experiment: ExperimentName, contender: Contender = "") -> None:
    """Keep the candidates with the best mean reward under new seeds.

    nas-hpc shortlist digits
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import shortlist as step

    asked = read(experiment)
    listed = ", ".join(_scored(found) for found in step(asked, contender))
    _say(asked, contender, f"through the grid: {listed}")


@app.command()
def grid(
    experiment: ExperimentName,
    top: Annotated[int, typer.Option(help="Place of the architecture in the shortlist, from 0.")],
    point: Annotated[int, typer.Option(help="Number of the grid point, from 0.")],
    contender: Contender = "",
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train an architecture of the shortlist at one point of the grid.

    nas-hpc grid digits --top 0 --point 3
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import grid_point as step

    asked = read(experiment, children)
    found = _marked(step(asked, top, point, contender), marker)
    _say(asked, contender, f"point {top}-{point}: {_sentence(asked, found)}")


@app.command()
def choose(experiment: ExperimentName, contender: Contender = "") -> None:
    """Choose the point of the grid with the best reward; it comes from validation data.

    nas-hpc choose digits && cat runs/digits/retrain/chosen.json
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.selection import choose as step

    asked = read(experiment)
    found = step(asked, contender)
    point = f"{found['top']}-{found['point']}"
    _say(asked, contender, f"chosen: point {point}: {_sentence(asked, found)}")


@app.command()
def final(
    experiment: ExperimentName,
    seed: Annotated[int, typer.Option(help="Number of the training, from 0.")],
    contender: Contender = "",
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train the chosen point with a new seed, and score it on test data.

    nas-hpc final digits --seed 0
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.steps import final as step

    asked = read(experiment, children)
    found = _marked(step(asked, seed, contender), marker)
    _say(asked, contender, f"seed {seed}: {_sentence(asked, found)}{_tested(asked, found)}")


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
    how = f"{_sentence(asked, found)}{_tested(asked, found)}"
    _say(asked, "", f"{found['variant']}, seed {seed}: {how}")


@app.command()
def transfer(
    experiment: ExperimentName,
    target: Annotated[int, typer.Option(help="Its place in retrain.transfer, from 0.")],
    seed: Annotated[int, typer.Option(help="Number of the training, from 0.")],
    contender: Contender = "",
    marker: Marker = None,
    children: Children = None,
) -> None:
    """Train the chosen cell in another experiment's language model, and score it on test data.

    nas-hpc transfer ptb --target 0 --seed 0
    """
    from nas_hpc.experiment import read, read_targets
    from nas_hpc.retrain.steps import numbered
    from nas_hpc.retrain.transfer import transfer as step

    asked = read(experiment, children)
    other = numbered(read_targets(asked, children), target, "target")
    found = _marked(step(asked, other, target, seed, contender), marker)
    ended = _tested(other, found) or f", {found['status']}"
    _say(asked, contender, f"in {other.name}, seed {seed}{ended}")


@app.command()
def train(
    experiment: ExperimentName,
    trial: Annotated[int | None, typer.Option(help="Number of a trial of a search.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Whose trial; else search.strategy.")] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON with an architecture, such as chosen.json."),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="NAME", help="A known cell: lstm, gru or nascell.")
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
    tested: Annotated[bool, typer.Option("--tested", help="Score it on test data too.")] = False,
) -> None:
    """Train one architecture, and keep its weights; prints the result as JSON.

    A trial of the search again, but for longer:

        nas-hpc train digits --trial 12 --epochs 50

    What the final training chose, with another seed:

        nas-hpc train digits --tokens runs/digits/retrain/chosen.json --seed 7

    A cell that no search has to find, on the data and with the training of an experiment:

        nas-hpc train words --cell lstm --tested
    """
    from nas_hpc.experiment import read
    from nas_hpc.retrain.single import asked_for, train_one

    own = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
    }
    changes = {key: value for key, value in own.items() if value is not None}
    asked = read(experiment)
    architecture = asked_for(asked, trial, strategy, tokens, cell)
    print(json.dumps(train_one(asked, architecture, changes, seed, tested), indent=1))


def _marked(found: dict[str, Any], marker: Path | None) -> dict[str, Any]:
    """What a step has found, which is also what its marker says."""
    from nas_hpc.store import write_json

    if marker is not None:
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_json(marker, found)
    return found


def _say(experiment: Experiment, contender: str, text: str) -> None:
    print(f"[{experiment.name}/{contender}] {text}" if contender else f"[{experiment.name}] {text}")


def _scored(found: dict[str, Any]) -> str:
    """An architecture of the shortlist, with its mean reward if it was scored again."""
    if found["trial"] is None:
        return str(found["baseline"])
    return f"trial {found['trial']} ({found['mean']:.4f})"


def _tested(experiment: Experiment, found: dict[str, Any]) -> str:
    measure = experiment.training.measure
    score = found[measure.test]
    return "" if score is None else f", test {measure.name} {score:.4f}"


def _sentence(experiment: Experiment, found: dict[str, Any]) -> str:
    """Which trial, how it was trained in all that the grid can vary, and how that ended."""
    ended = f"reward {found['reward']:.4f}" if found["status"] == "ok" else found["status"]
    varied = experiment.retrain.grid.model_dump()
    values = [f"{key.replace('_', ' ')} {_value(found['training'][key])}" for key in varied]
    trial = [] if found["trial"] is None else [f"trial {found['trial']}"]
    return f"{', '.join(trial + values)}: {ended}"


def _value(value: Any) -> str:
    if value is None:
        return "chosen by the policy"
    return f"{value:g}" if isinstance(value, int | float) else str(list(value))
