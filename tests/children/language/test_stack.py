"""Stacks of recurrent cells against a step-by-step reference in float64, and against torch's."""

import pytest
import torch
from torch import nn

from nas_hpc.children.language.stack import build_stack
from nas_hpc.spaces.recurrent_cell import (
    ACTIVATIONS,
    BASELINES,
    COMBINATIONS,
    NASCELL,
    Node,
    RecurrentCell,
)
from tests.children.language.reference import matrices_of, run, worked_example
from tests.children.language.stacks import (
    BATCH,
    EXAMPLE,
    HIDDEN,
    INPUT,
    assert_same,
    given,
    gradients,
    made,
    random_cell,
)


def assert_like_reference(cell):
    stack, (x, h, c) = made(cell), given()
    inputs = [x, h, c, *stack.parameters()]
    output, state = stack(x, (h, c))
    expected = run(cell, matrices_of(stack, cell.leaves), x, h, c)
    assert_same([output, *state], expected)
    assert_same(gradients([output, *state], inputs), gradients(expected, inputs))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("base", [1, 2, 3, 8])
def test_random_cells(base, seed):
    assert_like_reference(random_cell(base, seed))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("place", ["leaf", "node", "inject"])
def test_each_combination_and_activation_at_each_place(place, combination, activation):
    plain, one = Node("add", "tanh"), Node(combination, activation)
    cell = RecurrentCell(
        (one if place == "leaf" else plain, plain, one if place == "node" else plain),
        inject=one if place == "inject" else plain,
        taken_from=2,
        injected_at=1,
    )
    assert_like_reference(cell)


@pytest.mark.parametrize("taken_from", range(5))
@pytest.mark.parametrize("injected_at", range(5))
def test_the_state_taken_and_injected_anywhere(taken_from, injected_at):
    nodes = ("add", "sigmoid"), ("elem_mult", "tanh"), ("add", "sin")
    nodes = (*nodes, ("elem_mult", "sigmoid"), ("max", "tanh"))
    inject = Node("elem_mult", "tanh")
    assert_like_reference(
        RecurrentCell(tuple(Node(*node) for node in nodes), inject, taken_from, injected_at)
    )


@pytest.mark.parametrize("cell", [EXAMPLE, NASCELL, random_cell(3, 1), BASELINES["gru"]])
def test_derivatives_are_those_of_finite_differences(cell):
    stack, (x, h, c) = made(cell, layers=1), given(steps=2, layers=1)
    names = [name for name, _ in stack.named_parameters()]

    def called(x, h, c, *values):
        output, state = torch.func.functional_call(
            stack, dict(zip(names, values, strict=True)), (x, (h, c))
        )
        return output, *state

    assert torch.autograd.gradcheck(called, (x, h, c, *stack.parameters()))


def test_the_worked_example_value_for_value():
    stack = build_stack(EXAMPLE, 1, 1, 1).double()
    w1, w2, w3, w4 = 0.5, 1.5, 2.0, 0.75
    with torch.no_grad():
        stack.weight_ih_l0.copy_(torch.tensor([[w1], [w3]]))
        stack.weight_hh_l0.copy_(torch.tensor([[w2], [w4]]))
    inputs, h, c = (1.0, 0.5, 2.0), 0.25, 0.5
    state = torch.full((1, 1, 1), h).double(), torch.full((1, 1, 1), c).double()
    output, _ = stack(torch.tensor(inputs).double().view(3, 1, 1), state)
    for i, x in enumerate(inputs):
        h, c = worked_example(x, h, c, w1, w2, w3, w4)
        assert output[i].item() == pytest.approx(h, rel=1e-12)
        _, (_, last) = stack(torch.tensor(inputs[: i + 1]).double().view(-1, 1, 1), state)
        assert last.item() == pytest.approx(c, rel=1e-12)
        assert h > 0.55 and c > 0.1, "nothing is switched off"


def test_nascell_is_its_equations():
    """As published with TensorFlow's contrib.rnn.NASCell, without biases."""
    stack, (x, h, c) = made(NASCELL, layers=1), given(layers=1)
    inputs = [x, h, c, *stack.parameters()]
    output, state = stack(x, (h, c))

    outputs, m, new_c = [], h[0], c[0]
    for now in x:
        i = (now @ stack.weight_ih_l0.T).chunk(8, dim=1)
        r = (m @ stack.weight_hh_l0.T).chunk(8, dim=1)
        l1 = [
            torch.sigmoid(i[0] + r[0]),
            torch.relu(i[1] + r[1]),
            torch.sigmoid(i[2] + r[2]),
            torch.relu(i[3] * r[3]),
            torch.tanh(i[4] + r[4]),
            torch.sigmoid(i[5] + r[5]),
            torch.tanh(i[6] + r[6]),
            torch.sigmoid(i[7] + r[7]),
        ]
        l2_0 = torch.tanh(torch.tanh(l1[0] * l1[1]) + new_c)
        l2_1 = torch.tanh(l1[2] + l1[3])
        l2_2 = torch.tanh(l1[4] * l1[5])
        l2_3 = torch.sigmoid(l1[6] + l1[7])
        new_c = l2_0 * l2_1
        m = torch.tanh(new_c * torch.tanh(l2_2 + l2_3))
        outputs.append(m)
    expected = [torch.stack(outputs), m[None], new_c[None]]
    assert_same([output, *state], expected)
    assert_same(gradients([output, *state], inputs), gradients(expected, inputs))


@pytest.mark.parametrize(("name", "module"), [("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_standard_cells_are_torch_s(name, module):
    theirs = module(INPUT, HIDDEN, 2).double()
    ours = build_stack(BASELINES[name], INPUT, HIDDEN, 2).double()
    ours.load_state_dict(theirs.state_dict())
    x, h, c = given()
    both = name == "lstm"
    output, state = ours(x, (h, c if both else h))
    expected, last = theirs(x, (h, c) if both else h)
    results, targets = [output, *state], [expected, *(last if both else (last, last))]
    assert_same(results, targets)
    assert_same(
        gradients(results, [x, h, *ours.parameters()]),
        gradients(targets, [x, h, *theirs.parameters()]),
    )


def test_a_state_carried_over_chunks_is_one_long_run():
    stack, (x, h, c) = made(NASCELL), given(steps=7)
    whole, last = stack(x, (h, c))
    state, parts = (h, c), []
    for chunk in x.split(3):
        output, state = stack(chunk, state)
        parts.append(output)
    assert_same([torch.cat(parts), *state], [whole, *last])


def test_without_a_state_it_begins_with_zeros():
    stack, (x, _, _) = made(EXAMPLE), given()
    zeros = torch.zeros(2, BATCH, HIDDEN, dtype=torch.float64)
    output, (h, c) = stack(x)
    expected, state = stack(x, (zeros, zeros))
    assert_same([output, h, c], [expected, *state])
    assert h.shape == c.shape == (2, BATCH, HIDDEN)


def test_batch_first():
    usual, first = made(NASCELL), made(NASCELL, batch_first=True)
    x, h, c = given()
    expected, state = usual(x, (h, c))
    output, same = first(x.transpose(0, 1), (h, c))
    assert_same([output.transpose(0, 1), *same], [expected, *state])


@pytest.mark.parametrize("seed", range(4))
def test_masks_are_the_same_in_all_steps(monkeypatch, seed):
    """Between layers and within them; found by recording every mask that is drawn."""
    drawn = []
    dropout = torch.nn.functional.dropout

    def recorded(ones, rate):
        drawn.append((dropout(ones, rate), rate))
        return drawn[-1][0]

    monkeypatch.setattr("nas_hpc.children.language.stack.F.dropout", recorded)
    cell = random_cell(3, seed)
    stack, (x, h, c) = made(cell, layers=3, dropout=0.25, recurrent_dropout=0.5), given(layers=3)
    inputs = [x, h, c, *stack.parameters()]
    output, state = stack(x, (h, c))
    between = [torch.ones(BATCH, INPUT), *(mask for mask, rate in drawn if rate == 0.25)]
    within = [mask for mask, rate in drawn if rate == 0.5]
    assert len(between) == len(within) == 3, "one for each layer and call, but for the input"
    assert {float(value) for mask in within for value in mask.flatten()} == {0.0, 2.0}
    expected = run(cell, matrices_of(stack, cell.leaves), x, h, c, between, within)
    assert_same([output, *state], expected)
    assert_same(gradients([output, *state], inputs), gradients(expected, inputs))


def test_nothing_is_dropped_in_evaluation():
    dropping = made(NASCELL, dropout=0.5, recurrent_dropout=0.5)
    x, h, c = given()
    expected, _ = made(NASCELL)(x, (h, c))
    assert not torch.allclose(dropping(x, (h, c))[0], expected)
    output, _ = dropping.eval()(x, (h, c))
    assert_same([output], [expected])


def test_dropout_keeps_what_the_lstm_carries():
    # Only what h is multiplied with is masked; with all of it gone, c still goes on.
    stack = made(BASELINES["lstm"], layers=1, recurrent_dropout=1 - 1e-9)
    x, h, c = given(layers=1)
    output, _ = stack(x, (h, c))
    bias = stack.bias_ih_l0 + stack.bias_hh_l0
    carried = c[0]
    for now, found in zip(x, output, strict=True):
        i, f, g, o = (now @ stack.weight_ih_l0.T + bias).chunk(4, dim=1)
        carried = f.sigmoid() * carried + i.sigmoid() * g.tanh()
        assert_same([found], [o.sigmoid() * carried.tanh()])


def test_initial_weights():
    torch.manual_seed(0)
    stack = build_stack(NASCELL, 64, 100, 2)
    shapes = {name: tuple(p.shape) for name, p in stack.named_parameters()}
    assert shapes == {
        "weight_ih_l0": (800, 64),
        "weight_hh_l0": (800, 100),
        "weight_ih_l1": (800, 100),
        "weight_hh_l1": (800, 100),
    }
    for parameter in stack.parameters():
        assert 0.099 < parameter.abs().max() <= 0.1
        assert abs(parameter.mean()) < 0.002


@pytest.mark.parametrize(
    ("input", "state", "says"),
    [
        ((5, BATCH), None, r"input must be \[time, batch, 3\], not \[5, 2\]"),
        ((5, BATCH, 4), None, "not .5, 2, 4."),
        ((0, BATCH, INPUT), None, "not .0, 2, 3."),
        ((5, BATCH, INPUT), (2, 1, HIDDEN), r"h must be \[2, 2, 4\], not \[2, 1, 4\]"),
        ((5, BATCH, INPUT), (3, BATCH, HIDDEN), r"h must be \[2, 2, 4\], not \[3, 2, 4\]"),
    ],
)
def test_other_shapes_are_refused(input, state, says):
    stack = made(NASCELL)
    given = None if state is None else (torch.zeros(state), torch.zeros(state))
    with pytest.raises(ValueError, match=says):
        stack(torch.zeros(input), given)
