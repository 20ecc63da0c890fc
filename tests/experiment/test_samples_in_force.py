"""What the shipped experiments ask for, from the first sample to the last: depths and sizes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nas_hpc.experiment import Experiment, read
from nas_hpc.policies import make
from nas_hpc.search.commands import Keep, Order
from nas_hpc.search.dispatcher import Dispatcher
from nas_hpc.search.messages import Sampled, SampleOrder
from nas_hpc.search.numbering import Numbering
from nas_hpc.search.pace import Pace
from nas_hpc.spaces import Choice, Space, Walk, canonical, describe, draw, load_space
from nas_hpc.spaces.layer_types import TYPES
from nas_hpc.store import Sample, SearchLog

FOLDER = Path(__file__).parents[2] / "workflow" / "experiments"
DEPTHS = {0: 6, 1599: 6, 1600: 8, 12_799: 20}
CELL = 518_400 * (8 * 8 * 2) ** 5
"""Block i (from 0) of five has i + 2 inputs to choose among, twice; (2 x 3 x 4 x 5 x 6)^2."""


def shipped(name: str) -> Experiment:
    return read(str(FOLDER / f"{name}.yaml"))


def samples_from(experiment: Experiment, first: int) -> list[Sample]:
    """The samples that are asked for next in a search that has had all before a number."""
    space = load_space(experiment)
    walk = draw(space, experiment.arguments(0), np.random.default_rng(0))
    earlier = tuple(
        Sample(
            number=number,
            trial=number,
            batch=0,
            replica=0,
            version=0,
            session=1,
            arguments=experiment.arguments(0),
            tokens=walk.tokens,
            log_probability=-1.0,
            entropy=1.0,
            key=str(number),
            architecture=canonical(describe(walk.architecture)),
            time=0.0,
        )
        for number in range(first)
    )
    machine = Dispatcher(experiment, space, "key", Pace.of(experiment, replicated=True), session=2)
    adopted = set(range(first))
    commands = machine.restore(SearchLog(earlier, (), (), ()), ticket=0, adopted=adopted, now=0.0)
    orders = (command.message for command in commands if isinstance(command, Order))
    order = next(order for order in orders if isinstance(order, SampleOrder))
    proposals = tuple(make("random", experiment, space).ask(order.requests))
    answer = machine.sampled(Sampled(order.replica, order.batch, 0, proposals), 0.0)
    records = [command.record for command in answer if isinstance(command, Keep)]
    return [record for record in records if isinstance(record, Sample)]


@pytest.mark.parametrize(
    "name", ["cifar10", "cifar10-strides", "cifar10-layer-types", "cifar100", "fashion-mnist"]
)
def test_samples_are_numbered_with_the_depths_of_the_paper(name: str) -> None:
    """Six layers at first, two more for every 1,600 samples."""
    given = {request.sample: request for request in Numbering(shipped(name)).requests(12_800)}
    assert {n: given[n].arguments for n in DEPTHS} == {n: {"depth": DEPTHS[n]} for n in DEPTHS}


@pytest.mark.parametrize(
    ("name", "decisions"),
    [
        # Three or five for each layer, and one for each pair of layers.
        ("cifar10", {0: 33, 1599: 33, 1600: 52, 12_799: 250}),
        ("cifar10-strides", {0: 45, 1599: 45, 1600: 68, 12_799: 290}),
    ],
)
def test_the_dispatcher_gives_samples_their_depth_and_keeps_it_with_them(
    name: str, decisions: dict[int, int]
) -> None:
    experiment = shipped(name)
    found = [sample for first in (0, 1599, 12_799) for sample in samples_from(experiment, first)]
    kept = {sample.number: sample for sample in found}
    assert {n: kept[n].arguments for n in DEPTHS} == {n: {"depth": DEPTHS[n]} for n in DEPTHS}
    assert {n: len(kept[n].tokens) for n in DEPTHS} == decisions
    layers = {n: len(json.loads(kept[n].architecture)["layers"]) for n in DEPTHS}
    assert layers == DEPTHS
    assert max(kept) == 12_799  # the budget has room for no other


@pytest.mark.parametrize(
    ("name", "arguments", "decisions"),
    [
        ("cifar10-pooling", {"depth": 13}, 13 * 3 + 13 * 12 // 2),
        ("cifar10-cell", {"repeats": 2, "filters": 32}, 2 * 5 * 5),
    ],
)
def test_other_spaces_stay_as_they_are(
    name: str, arguments: dict[str, int], decisions: int
) -> None:
    experiment = shipped(name)
    for first in (0, 1600):
        for sample in samples_from(experiment, first):
            assert sample.arguments == arguments and len(sample.tokens) == decisions


def ways(space: Space, arguments: dict[str, int], kind: str = "") -> dict[str, int]:
    """For each part of a network the number of answers to the decisions about it.

    Args:
        kind: the answer wherever the type of a layer is asked for.
    """
    walk = Walk(space, arguments)
    found: dict[str, int] = {}
    while walk.decision is not None:
        answer = [values[0] for values in walk.allowed()]
        counted = walk.allowed()
        if isinstance(walk.decision, Choice) and walk.decision.kind.name == "layer type":
            answer, counted = [walk.decision.kind.options.index(kind)], ()
        part = walk.decision.path.rpartition("/")[0]
        found[part] = found.get(part, 1) * math.prod(map(len, counted))
        walk.answer(answer)
    return found


@pytest.mark.parametrize(
    ("name", "sample", "size"),
    [
        # A layer has 4 x 4 sizes of filters and 4 numbers of them, and its skips are any subset.
        ("cifar10", 0, 64**6 * 2**15),
        ("cifar10", 1600, 64**8 * 2**28),
        ("cifar10", 12_799, 64**20 * 2**190),
        ("cifar10-strides", 0, (64 * 9) ** 6 * 2**15),
        ("cifar10-strides", 12_799, (64 * 9) ** 20 * 2**190),
        ("cifar10-pooling", 0, 64**13 * 2**78),
        ("cifar10-cell", 0, CELL**2),
        ("cifar100", 12_799, 64**20 * 2**190),
        ("fashion-mnist", 12_799, 64**20 * 2**190),
    ],
)
def test_sizes_of_the_spaces(name: str, sample: int, size: int) -> None:
    experiment = shipped(name)
    space = load_space(experiment)
    assert space.static
    assert math.prod(ways(space, experiment.arguments(sample)).values()) == size


@pytest.mark.parametrize(("sample", "depth"), DEPTHS.items())
def test_size_of_the_space_of_typed_layers_with_a_learning_rate(sample: int, depth: int) -> None:
    """Convolutions as ever; two poolings of 2 x 2 options, two momenta, four windows, one input."""
    experiment = shipped("cifar10-layer-types")
    space, arguments = load_space(experiment), experiment.arguments(sample)
    by_kind = [ways(space, arguments, kind) for kind in TYPES]
    layers = [f"layer {i}" for i in range(depth)]
    # What a layer is changes nothing about the others: sums over types, multiplied over layers.
    found = math.prod(sum(kind[layer] for kind in by_kind) for layer in layers)
    expected = math.prod(64 * 2**i + (2 * 4 + 2 + 4) * max(i, 1) for i in range(depth))
    assert found == expected
    assert [kind.keys() - {*layers} for kind in by_kind] == [{""}] * len(TYPES)
    assert by_kind[0][""] == 4  # learning rates
