"""How a layer runs: its derivatives in blocks, what it keeps, its precision."""

import weakref

import pytest
import torch

from nas_hpc.children.language import recurrence
from nas_hpc.spaces.recurrent_cell import (
    BASELINES,
    NASCELL,
    Node,
    RecurrentCell,
)
from tests.children.language.stacks import (
    BATCH,
    EXAMPLE,
    HIDDEN,
    INPUT,
    assert_same,
    given,
    gradients,
    made,
)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_derivatives_found_for_some_steps_at_a_time(monkeypatch, steps):
    stack, (x, h, c) = made(NASCELL), given(steps=7)
    inputs = [x, h, c, *stack.parameters()]
    expected = gradients(stack(x, (h, c))[:1], inputs)
    monkeypatch.setattr(recurrence, "BLOCK", steps * BATCH * 8 * HIDDEN)
    assert_same(gradients(stack(x, (h, c))[:1], inputs), expected)


def test_max_of_equals_shares_its_derivative_as_in_torch():
    nodes = Node("max", "identity"), Node("add", "identity"), Node("max", "relu")
    cell = RecurrentCell(nodes, Node("max", "identity"), taken_from=2, injected_at=2)
    stack = made(cell, layers=1)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.copy_(torch.ones_like(parameter))
    x = torch.ones(1, BATCH, INPUT, dtype=torch.float64, requires_grad=True)
    h = torch.zeros(1, BATCH, HIDDEN, dtype=torch.float64)
    output, _ = stack(x, (h, torch.full_like(h, INPUT)))
    # Leaf 0 has max(3, 0), leaf 1 has 3 + 0, the root max(3, 3), and c is 3 as well: a quarter
    # of each unit's derivative goes to either leaf.
    output.sum().backward()
    assert output.flatten().tolist() == [INPUT] * BATCH * HIDDEN
    assert x.grad.flatten().tolist() == [HIDDEN * 0.5] * BATCH * INPUT


def test_a_result_changed_in_place_is_no_wrong_gradient():
    stack, (x, h, c) = made(EXAMPLE), given()
    output, _ = stack(x, (h, c))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(output.mul_(2).sum(), x)


def test_autocast_multiplies_low_and_calculates_high():
    cell = NASCELL
    stack = made(cell).float()
    x, h, c = (each.detach().float() for each in given())
    exact, _ = stack(x, (h, c))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, (last_h, last_c) = stack(x, (h, c))
        output.sum().backward()
    assert output.dtype == last_h.dtype == last_c.dtype == torch.float32
    assert all(p.grad.dtype == torch.float32 for p in stack.parameters())
    assert 1e-5 < (output - exact).abs().max() < 0.1


@pytest.mark.parametrize("differentiable", [True, False])
def test_nothing_is_kept_where_no_gradient_is_asked_for(differentiable):
    stack, (x, h, c) = made(NASCELL, layers=1), given(steps=9, layers=1)
    step, kept, most = stack.cell.step, [], 0

    def remembered(*given):
        nonlocal most
        most = max(most, sum(value() is not None for value in kept))
        h, c, values = step(*given)
        # h is part of the output.
        kept.extend(weakref.ref(value) for value in (c, *values) if value is not h)
        return h, c, values

    expected, _ = stack(x, (h, c))
    stack.cell.step = remembered
    with torch.set_grad_enabled(differentiable):
        output, _ = stack(x, (h, c))
    assert output.requires_grad == differentiable
    assert_same([output], [expected])
    of_one_step = len(kept) // 9
    assert most == (8 if differentiable else 1) * of_one_step


def test_a_state_changed_in_place_is_no_wrong_gradient():
    stack, (x, h, c) = made(BASELINES["lstm"]), given()
    output, _ = stack(x, (h.detach(), c.detach()))
    with torch.no_grad():
        c.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()
