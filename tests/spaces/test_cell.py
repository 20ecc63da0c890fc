"""The space of cells: its decisions, its size, and what its walks decode to."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_hpc.policies.controller import Controller
from nas_hpc.policies.theta import Layout
from nas_hpc.spaces import (
    Point,
    SpaceError,
    Walk,
    complete,
    draw,
    enumerate_space,
    mutate,
    replay,
)
from nas_hpc.spaces.cell import Block, Branch, Cell, CellNet, cell

ARGUMENTS = {"repeats": 2, "filters": 8}
SPACE = cell()


@st.composite
def walks(drawn):
    """A space of some blocks and a walk by answers that hypothesis chooses and shrinks."""
    space = cell(blocks=drawn(st.integers(1, 5)))
    choose = lambda path, values: drawn(st.sampled_from(list(values)))  # noqa: E731
    return space, complete(space, ARGUMENTS, choose)


@given(walks())
def test_tokens_replay_to_the_same_architecture(case):
    space, walk = case
    assert replay(space, ARGUMENTS, walk.tokens) == walk.architecture


@given(walks(), st.integers(0, 2**32))
def test_a_mutation_is_valid_and_different(case, seed):
    space, walk = case
    mutant = mutate(space, ARGUMENTS, walk.tokens, np.random.default_rng(seed))
    assert mutant.architecture != walk.architecture
    assert replay(space, ARGUMENTS, mutant.tokens) == mutant.architecture
    assert sum(a != b for a, b in zip(walk.tokens, mutant.tokens, strict=True)) == 1


@given(walks(), st.integers(1, 9), st.integers(1, 99))
def test_the_same_tokens_are_the_same_cells_in_a_network_of_any_size(case, repeats, filters):
    space, walk = case
    larger = replay(space, {"repeats": repeats, "filters": filters}, walk.tokens)
    small = walk.architecture
    assert larger == CellNet(small.normal, small.reduction, repeats, filters)


def test_size_of_the_space():
    # Block i (from 0) of either cell has i + 2 inputs to choose among, twice; 8 operators, twice;
    # 2 combinations: (2 x 3 x 4 x 5 x 6)^2 x (8^2 x 2)^5 for a cell, about 1.8 x 10^16.
    one_cell = 518_400 * 34_359_738_368
    walk, sequences = Walk(SPACE, ARGUMENTS), 1
    while walk.decision is not None:
        sequences *= math.prod(map(len, walk.allowed()))
        walk.answer([0] * len(walk.paths()))
    assert SPACE.static
    assert sequences == one_cell**2
    assert len(walk.tokens) == 2 * 5 * 5


def test_different_networks_of_a_space_small_enough_to_count():
    # Two inputs with two operators are 4 branches: 10 unordered pairs, twice in 2 combinations.
    space = cell(blocks=1, operators=("identity", "separable 3x3"))
    found = [walk.architecture for walk in enumerate_space(space, ARGUMENTS)]
    assert len(found) == (4 * 4 * 2) ** 2
    assert len(set(found)) == (10 * 2) ** 2


def test_decoding_and_what_reaches_the_cell_s_output():
    space = cell(blocks=3, operators=("identity", "separable 3x3"))
    tokens = {path: 0 for path, _ in draw(space, ARGUMENTS, np.random.default_rng(0)).tokens}
    tokens |= {
        "normal/block 0/input 0": 1,
        "normal/block 0/operator 1": 1,
        "normal/block 1/input 0": 2,
        "normal/block 1/input 1": 1,
        "normal/block 1/combination": 1,
        "normal/block 2/operator 0": 1,
    }
    net = replay(space, ARGUMENTS, tuple(tokens.items()))
    plain = Block((Branch(0, "identity"), Branch(0, "identity")), "add")
    assert net.normal.blocks == (
        Block((Branch(0, "separable 3x3"), Branch(1, "identity")), "add"),
        Block((Branch(1, "identity"), Branch(2, "identity")), "concatenate"),
        Block((Branch(0, "identity"), Branch(0, "separable 3x3")), "add"),
    )
    assert net.normal.loose_ends() == (1, 2)  # block 0 feeds block 1
    assert net.normal.width() == 2 + 1
    assert net.reduction == Cell((plain,) * 3)


def test_the_stack_doubles_its_filters_at_each_reduction():
    net = CellNet(Cell(()), Cell(()), repeats=2, filters=24)
    normal, reduction = False, True
    assert net.stack() == (
        *((normal, 24), (normal, 24), (reduction, 48), (normal, 48), (normal, 48)),
        *((reduction, 96), (normal, 96), (normal, 96)),
    )


def test_cells_that_reach_the_classifier():
    def taking(*inputs):
        one, other = inputs
        return Cell((Block((Branch(one, "identity"), Branch(other, "identity")), "add"),))

    both, previous, before = taking(0, 1), taking(0, 0), taking(1, 1)
    assert CellNet(both, both, 2, 8).needed() == set(range(8))
    assert CellNet(previous, previous, 2, 8).needed() == set(range(8))
    assert CellNet(before, before, 2, 8).needed() == {7, 5, 3, 1}
    # 0 1 R2 3 4 R5 6 7: 7 takes 5, the reduction 5 takes 4, 4 takes 2, 2 takes 1, 1 the stem.
    assert CellNet(before, previous, 2, 8).needed() == {7, 5, 4, 2, 1}


def test_the_controller_tells_the_two_inputs_of_a_cell_apart():
    layout = Layout(SPACE.kinds, hidden=8, layers=2)
    theta = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, layout.size))
    tables = {}

    def answer(walk, table):
        if isinstance(walk.decision, Point):
            tables[walk.decision.path] = table
        return [0] * len(walk.paths())

    Controller(layout, theta).follow([Walk(SPACE, ARGUMENTS)], [answer])
    assert len(tables) == 2 * 5 * 2
    for name in ("normal", "reduction"):
        ((one, other),) = tables[f"{name}/block 0/input 0"].exp()
        assert abs(one - other) > 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": 0}, "cell: blocks must be a positive number, got 0"),
        ({"operators": ["9x9"]}, "cell: operators must be some of ['identity', 'separable 3x3',"),
        ({"operators": []}, "cell: operators must be some of"),
        ({"combinations": ["max"]}, "must be some of ['add', 'concatenate'], got ['max']"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, message):
    with pytest.raises(SpaceError, match=re.escape(message)):
        cell(**options)


@pytest.mark.parametrize("argument", ["repeats", "filters"])
def test_arguments_that_are_not_allowed_are_named(argument):
    with pytest.raises(SpaceError, match=f"cell: {argument} must be a positive number, got 0"):
        Walk(SPACE, ARGUMENTS | {argument: 0})
