"""The space of recurrent cells: the paper's example, its size, its trees and its options."""

import math
import re

import numpy as np
import pytest

from nas_hpc.spaces import SpaceError, Walk, describe, draw, replay
from nas_hpc.spaces.recurrent_cell import (
    ACTIVATIONS,
    COMBINATIONS,
    NASCELL,
    Node,
    RecurrentCell,
    recurrent_cell,
)

ADD, MULT = 0, 1
IDENTITY, TANH, SIGMOID, RELU = range(4)


def decoded(base, tokens):
    """The cell of tokens in the paper's order: of the nodes, of the injection, two indices."""
    space, walk = recurrent_cell(base), Walk(recurrent_cell(base), {})
    for token in tokens:
        walk.answer([token])
    assert walk.decision is None and replay(space, {}, walk.tokens) == walk.architecture
    return walk


def test_the_paper_s_worked_example():
    leaves, root = [ADD, TANH, MULT, RELU], [MULT, SIGMOID]
    walk = decoded(2, [*leaves, *root, ADD, RELU, 1, 0])
    assert walk.architecture == RecurrentCell(
        (Node("add", "tanh"), Node("elem_mult", "relu"), Node("elem_mult", "sigmoid")),
        inject=Node("add", "relu"),
        taken_from=1,
        injected_at=0,
    )
    assert [path for path, _ in walk.tokens] == [
        *("node 0/combination", "node 0/activation", "node 1/combination", "node 1/activation"),
        *("node 2/combination", "node 2/activation", "inject/combination", "inject/activation"),
        *("cell index 0", "cell index 1"),
    ]


def test_size_of_the_space_at_base_8():
    space = recurrent_cell()
    walk, sequences = Walk(space, {}), 1
    while walk.decision is not None:
        sequences *= math.prod(map(len, walk.allowed()))
        walk.answer([0])
    assert space.static
    assert sequences == 8**16 * 225 and f"{sequences:.1e}" == "6.3e+16"
    assert len(walk.tokens) == 2 * 15 + 2 + 2


def test_nascell_as_tokens():
    leaves = [(ADD, SIGMOID), (ADD, RELU), (ADD, SIGMOID), (MULT, RELU)]
    leaves += [(ADD, TANH), (ADD, SIGMOID), (ADD, TANH), (ADD, SIGMOID)]
    second = [(MULT, TANH), (ADD, TANH), (MULT, TANH), (ADD, SIGMOID)]
    third, root, inject = [(MULT, IDENTITY), (ADD, TANH)], (MULT, TANH), (ADD, TANH)
    nodes = [*leaves, *second, *third, root, inject]
    # Node 8 is the first above the leaves, node 12 the first of the level above that.
    tokens = [token for node in nodes for token in node] + [12, 8]
    assert decoded(8, tokens).architecture == NASCELL


@pytest.mark.parametrize("base", [1, 2, 3, 5, 8, 11])
def test_any_base_is_a_full_binary_tree(base):
    cell = draw(recurrent_cell(base), {}, np.random.default_rng(base)).architecture
    assert (cell.leaves, len(cell.nodes)) == (base, 2 * base - 1)
    children = [cell.children(i) for i in range(len(cell.nodes))]
    assert children[:base] == [None] * base
    fed = [child for pair in children[base:] for child in pair]
    assert sorted(fed) == list(range(len(cell.nodes) - 1)), "each but the root feeds exactly one"
    assert all(max(pair) < base + i for i, pair in enumerate(children[base:]))


def test_control_experiment_with_max_and_sin():
    space, rng = recurrent_cell(8, COMBINATIONS, ACTIVATIONS), np.random.default_rng(0)
    nodes = [node for _ in range(20) for node in draw(space, {}, rng).architecture.nodes]
    assert {node.combination for node in nodes} == {"add", "elem_mult", "max"}
    assert {node.activation for node in nodes} == {"identity", "tanh", "sigmoid", "relu", "sin"}


def test_indices_reach_every_node():
    space, rng = recurrent_cell(3), np.random.default_rng(0)
    drawn = [draw(space, {}, rng).architecture for _ in range(200)]
    assert {cell.taken_from for cell in drawn} == set(range(5))
    assert {cell.injected_at for cell in drawn} == set(range(5))


def test_json_form():
    data = describe(NASCELL)
    assert data["type"] == "RecurrentCell" and len(data["nodes"]) == 15
    assert data["nodes"][3] == {"type": "Node", "combination": "elem_mult", "activation": "relu"}
    assert data["inject"] == {"type": "Node", "combination": "add", "activation": "tanh"}
    assert (data["taken_from"], data["injected_at"]) == (12, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": 0}, "recurrent-cell: base must be a positive number, got 0"),
        ({"base": "8"}, "recurrent-cell: base must be a positive number, got '8'"),
        (
            {"combinations": ["minus"]},
            "recurrent-cell: combinations must be some of ['add', 'elem_mult', 'max'], "
            "got ['minus']",
        ),
        (
            {"activations": []},
            "recurrent-cell: activations must be some of "
            "['identity', 'tanh', 'sigmoid', 'relu', 'sin'], got []",
        ),
    ],
)
def test_options_that_are_not_allowed_are_named(options, message):
    with pytest.raises(SpaceError, match=re.escape(message)):
        recurrent_cell(**options)
