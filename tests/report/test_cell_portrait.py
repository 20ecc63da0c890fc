"""Cells in words and as drawings."""

from itertools import combinations

import numpy as np
import pytest

from nas_hpc.report.cell_drawing import Places
from nas_hpc.report.cell_words import read
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.style import styled
from nas_hpc.report.task import Task
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.cell import Block, Branch, Cell, CellNet, cell

TASK = Task(channels=3, height=15, width=32, classes=10)


def random_net(seed: int, blocks: int = 5) -> CellNet:
    space, rng = cell(blocks), np.random.default_rng(seed)
    return draw(space, {"repeats": 2, "filters": 24}, rng).architecture


def block(combination, *branches):
    one, other = (Branch(*branch) for branch in branches)
    return Block((one, other), combination)


SMALL = CellNet(
    Cell(
        (
            block("add", (0, "separable 3x3"), (1, "identity")),
            block("concatenate", (1, "1x7 then 7x1"), (2, "max pooling 3x3")),
        )
    ),
    Cell(
        (
            block("concatenate", (1, "dilated 3x3"), (1, "identity")),
            block("add", (0, "average pooling 3x3"), (0, "separable 7x7")),
            block("add", (0, "separable 5x5"), (2, "identity")),
        )
    ),
    repeats=3,
    filters=16,
)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_described_is_read_back(seed):
    assert read(describe(random_net(seed))) == random_net(seed)


def test_words_of_a_small_network():
    data = describe(SMALL)
    assert portrait_of(data).words(data, TASK) == [
        "cells: 3 normal of 16 filters, a reduction, 3 normal of 32 filters, "
        "a reduction, 3 normal of 64 filters",
        "normal cell, block 0: separable 3 × 3 of the previous cell, plus "
        "identity of the cell before it",
        "normal cell, block 1: 1 × 7 then 7 × 1 of the cell before it, concatenated with "
        "max pooling 3 × 3 of block 0",
        "normal cell, output: block 1",
        "reduction cell, block 0: dilated 3 × 3 of the cell before it, concatenated with "
        "identity of the cell before it",
        "reduction cell, block 1: average pooling 3 × 3 of the previous cell, plus "
        "separable 7 × 7 of the previous cell",
        "reduction cell, block 2: separable 5 × 5 of the previous cell, plus identity of block 0",
        "reduction cell, output: blocks 1 and 2, concatenated",
    ]
    assert portrait_of(data).line(data) == (
        "N = 3, F = 16; normal: sep3(p)+id(pp)  1x7·7x1(pp)‖max3(0); "
        "reduction: dil3(pp)‖id(pp)  avg3(p)+sep7(p)  sep5(p)+id(0)"
    )


def test_cells_that_are_left_out_are_said():
    before = Cell((block("add", (1, "identity"), (1, "identity")),))
    data = describe(CellNet(before, before, repeats=1, filters=8))
    lines = portrait_of(data).words(data, None)
    assert "cells whose output reaches the classifier, from 0: 0, 2 and 4" in lines


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_a_small_network_is_drawn_as_it_is():
    with styled():
        figure = portrait_of(describe(SMALL)).draw(describe(SMALL), TASK, "A heading")
    assert [text.get_text() for text in figure.texts] == ["A heading"]
    stack, normal, reduction = map(texts, figure.axes)
    # 15 rows are halved, rounded up, to 8 and 4.
    assert stack == [
        *("image", "15 × 32\n3 channels", "stem, 3 × 3", "15 × 32\n48 channels"),
        *("normal × 3", "15 × 32\nF = 16", "reduction", "8 × 16\nF = 32"),
        *("normal × 3", "8 × 16\nF = 32", "reduction", "4 × 8\nF = 64"),
        *("normal × 3", "4 × 8\nF = 64", "mean, linear", "10 classes"),
    ]
    assert {"Normal cell", "1 × 7 then 7 × 1", "block 0", "block 1", "add"} <= set(normal)
    assert {"concatenate", "output: 2 F channels"} <= set(normal)
    assert not [text for text in normal if "stride" in text]
    # Four branches take an input of the cell with stride 2, and the identity among them becomes a
    # convolution; block 0 feeds another one, which takes F channels.
    assert reduction.count("stride 2") == 4
    assert reduction.count("1 × 1, stride 2") == 1
    assert {"concatenate, 1 × 1", "concatenate: 2 F channels"} <= set(reduction)


@pytest.mark.parametrize("task", [TASK, None])
@pytest.mark.parametrize("blocks", [1, 2, 5, 9])
def test_every_branch_and_every_loose_end_takes_from_a_lane(blocks, task):
    net = random_net(seed=blocks, blocks=blocks)
    with styled():
        figure = portrait_of(describe(net)).draw(describe(net), task, "")
        figure.savefig("/dev/null", format="svg")
    for graph, axes in zip((net.normal, net.reduction), figure.axes[1:], strict=True):
        dots = [each for each in axes.lines if each.get_marker() == "o"]
        assert len(dots) == 2 * blocks + len(graph.loose_ends())
        assert {f"block {i}" for i in range(blocks)} <= set(texts(axes))


@pytest.mark.parametrize("seed", range(10))
def test_no_two_connections_run_on_one_another(seed):
    places = Places(random_net(seed).normal)
    for one, other in combinations(places.lane.values(), 2):
        assert abs(one - other) > 0.1
    heights = [places.exit(source) for source in places.users]
    heights += [places.entry(*user) for user in {u for us in places.users.values() for u in us}]
    for one, other in combinations(heights, 2):
        assert abs(one - other) > 0.1
