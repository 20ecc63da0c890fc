"""Recurrent cells as equations and as drawings."""

from itertools import combinations

import numpy as np
import pytest

from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.recurrent_drawing import SPACING, Places, draw_beside
from nas_hpc.report.recurrent_graph import LSTM, Graph, read
from nas_hpc.report.style import styled
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.recurrent_cell import (
    ACTIVATIONS,
    BASELINES,
    COMBINATIONS,
    NASCELL,
    Node,
    RecurrentCell,
    recurrent_cell,
)

EXAMPLE = RecurrentCell(
    (Node("add", "tanh"), Node("elem_mult", "relu"), Node("elem_mult", "sigmoid")),
    inject=Node("add", "relu"),
    taken_from=1,
    injected_at=0,
)


def random_cell(base: int, seed: int) -> RecurrentCell:
    space, rng = recurrent_cell(base, COMBINATIONS, ACTIVATIONS), np.random.default_rng(seed)
    return draw(space, {}, rng).architecture


def words(cell) -> list[str]:
    return portrait_of(describe(cell)).words(describe(cell), None)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("base", [1, 2, 3, 8])
def test_what_is_described_is_read_back(base):
    assert read(describe(random_cell(base, 0))) == random_cell(base, 0)


def test_the_paper_s_worked_example_in_words():
    assert words(EXAMPLE) == [
        "a₀ = tanh(W₁xₜ + W₂hₜ₋₁)",
        "a₀′ = relu(a₀ + cₜ₋₁)",
        "a₁ = relu((W₃xₜ) ⊙ (W₄hₜ₋₁))",
        "cₜ = (W₃xₜ) ⊙ (W₄hₜ₋₁)",
        "hₜ = sigmoid(a₀′ ⊙ a₁)",
    ]
    assert portrait_of(describe(EXAMPLE)).line(describe(EXAMPLE)) == (
        "leaves tanh(+) relu(⊙); nodes sigmoid(⊙); c into 0 by relu(+), from 1"
    )


def test_a_state_that_passes_through_the_root():
    nodes = Node("max", "identity"), Node("add", "sin"), Node("max", "tanh")
    assert words(RecurrentCell(nodes, Node("max", "identity"), 2, 2)) == [
        "a₀ = max(W₁xₜ, W₂hₜ₋₁)",
        "a₁ = sin(W₃xₜ + W₄hₜ₋₁)",
        "a₂ = tanh(max(a₀, a₁))",
        "cₜ = max(a₀, a₁)",
        "hₜ = max(a₂, cₜ₋₁)",
    ]


def evaluated(lines: list[str], given: dict[str, float]) -> dict[str, float]:
    """The values of scalar equations, calculated as they are read."""
    plain = str.maketrans("₀₁₂₃₄₅₆₇₈₉⊙′ₜ", "0123456789*nt")
    functions = {name: getattr(np, name) for name in ("tanh", "sin")} | {"max": max}
    functions |= {"relu": lambda v: max(v, 0.0), "sigmoid": lambda v: 1 / (1 + np.exp(-v))}
    values = dict(given)
    for equation in lines:
        name, _, formula = equation.translate(plain).replace("t₋1", "before").partition(" = ")
        for known in ("xt", "hbefore"):
            formula = formula.replace(known, f"*{known}")
        values[name] = float(eval(formula, {"__builtins__": {}}, functions | values))
    return values


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("base", [1, 3, 8])
def test_the_equations_are_those_of_the_network(base, seed):
    torch = pytest.importorskip("torch")
    from nas_hpc.children.language.stack import build_stack

    cell = random_cell(base, seed)
    stack = build_stack(cell, 1, 1, 1).double()
    weights = torch.stack([stack.weight_ih_l0, stack.weight_hh_l0], dim=1).flatten().tolist()
    given = {f"W{i + 1}": weight for i, weight in enumerate(weights)}
    given |= {"xt": 0.7, "hbefore": -0.4, "cbefore": 0.3}
    found = evaluated(words(cell), given)
    x, h, c = (
        torch.tensor([[[given[name]]]], dtype=torch.float64)
        for name in ("xt", "hbefore", "cbefore")
    )
    _, (h, c) = stack(x, (h, c))
    assert (found["ht"], found["ct"]) == pytest.approx((h.item(), c.item()), rel=1e-9)


@pytest.mark.parametrize("base", [1, 2, 3, 5, 8, 11])
def test_every_part_is_drawn(base):
    cell = random_cell(base, seed=base)
    with styled():
        figure = draw_beside([(describe(cell), "A heading")])
        figure.savefig("/dev/null", format="svg")
    written = texts(figure)
    nodes = [*cell.nodes, cell.inject]
    for name in ("tanh", "sigmoid", "relu", "sin"):
        assert written.count(name) == sum(node.activation == name for node in nodes)
    for sign, name in (("+", "add"), ("⊙", "elem_mult"), ("max", "max")):
        assert written.count(sign) == sum(node.combination == name for node in nodes)
    assert [text for text in written if "W" in text and "x" in text] and "identity" not in written
    assert sum("hₜ₋₁" in text for text in written) == base
    for name in ("cₜ", "cₜ₋₁", "hₜ"):
        assert written.count(name) == 1
    below = [text.get_text() for text in figure.texts]
    assert below == ["A heading", *words(cell)]


@pytest.mark.parametrize("graph", [Graph.of(random_cell(b, b)) for b in (3, 5, 8)] + [LSTM])
def test_parts_stand_apart_and_below_what_they_feed(graph):
    places = Places(graph)
    numbers = range(len(graph.parts))
    for one, other in combinations(numbers, 2):
        beside = abs(places.x[one] - places.x[other]) >= SPACING / 2
        over = places.bottom[one] > places.top[other] or places.bottom[other] > places.top[one]
        assert beside or over
    for part in numbers:
        for child in graph.children(part):
            assert places.top[child] < places.bottom[part]
    leaves = [places.x[i] for i in numbers if not graph.children(i)]
    assert sorted(leaves) == pytest.approx([SPACING * i for i in range(len(leaves))])


@pytest.mark.parametrize("base", [2, 3, 8])
def test_no_text_covers_another(base):
    for seed in range(6):
        data = describe(random_cell(base, seed))
        with styled():
            figure = portrait_of(data).draw(data, None, "A heading")
            figure.draw_without_rendering()
        shown = [text for axes in figure.axes for text in axes.texts] + list(figure.texts)
        boxes = [text.get_window_extent() for text in shown if text.get_text()]
        for one, other in combinations(boxes, 2):
            assert not one.overlaps(other)


def test_a_found_cell_beside_the_lstm():
    with styled():
        figure = portrait_of(describe(NASCELL)).draw(describe(NASCELL), None, "Found")
    found, standard = figure.axes
    assert found.get_position().x1 <= standard.get_position().x0
    written = [text.get_text() for text in standard.texts if text.get_text()]
    assert written.count("sigmoid") == 3 and written.count("tanh") == 2
    assert {"f", "i", "g", "o", "cₜ", "cₜ₋₁", "hₜ"} <= set(written)
    below = [text.get_text() for text in figure.texts]
    assert "hₜ = o ⊙ tanh(cₜ)" in below and {"Found", "LSTM, to compare"} <= set(below)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_standard_cells_have_their_equations(name):
    data = describe(BASELINES[name])
    portrait = portrait_of(data)
    assert portrait.line(data) == name.upper()
    assert portrait.words(data, None)[-1].startswith("hₜ = ")
    with styled():
        figure = portrait.draw(data, None, "A heading")
    written = "\n".join(text.get_text() for text in figure.texts)
    assert "A heading" in written and all(line in written for line in portrait.words(data, None))
