"""One recurrent layer over a whole sequence, for any cell that mixes units only by its matrices.

From one time step to the next there is one matrix product, and then the cell goes unit by unit::

    recurrent_t = W h_{t-1}
    h_t, c_t = step(projected_t, recurrent_t, c_{t-1})

So a unit's h_t and c_t have few slopes, and none depends on what comes later. They are found for
many steps at once; back-propagation from step to step only multiplies by them, and the gradient of
W is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 2**17
"""Numbers in each slope that are found at once on a CPU, so that they stay in its cache."""


class Slopes(NamedTuple):
    """Derivatives of h and c by what a step is given: the inputs, the recurrent part, the last c.

    By the first two [..., batch, gates, hidden], by c [..., batch, hidden]. Where a cell only adds
    the two, they may be the same tensor.
    """

    h_inputs: Tensor
    h_recurrent: Tensor
    h_c: Tensor
    c_inputs: Tensor
    c_recurrent: Tensor
    c_c: Tensor


class Cell(Protocol):
    """What a cell does unit by unit.

    Attributes:
        gates: how many products of the input, and of h, it takes.
        biases: whether the gates have some.
    """

    gates: int
    biases: bool

    def step(
        self, inputs: Tensor, recurrent: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The next h and c, and values for `slopes`; all [batch, hidden].

        Args:
            inputs: what the input gives, [batch, gates, hidden].
            recurrent: what h gives, likewise; is overwritten in the next step.
            c: [batch, hidden].
        """

    def slopes(self, inputs: Tensor, c: Tensor, values: Sequence[Tensor]) -> Slopes:
        """The derivatives at many steps; all that is given has time for its first dimension."""


def recur(
    cell: Cell,
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    state: tuple[Tensor, Tensor],
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Run a layer over a sequence.

    Under autocast the matrix products are in its precision, the rest is in that of the weights.

    Args:
        cell: what is done unit by unit.
        inputs: what the input gives, [time, batch, gates, hidden].
        weight: of h, [gates * hidden, hidden].
        bias: added to its product with h, [gates * hidden].
        state: h and c before the first step, [batch, hidden].
        mask: what h is multiplied by before each product, [batch, hidden].

    Returns:
        h of all steps, [time, batch, hidden], and c after the last.
    """
    kind = inputs.device.type
    precise = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
    with torch.autocast(kind, enabled=False):
        output, c = _Recurrence.apply(
            cell,
            precise,
            torch.is_grad_enabled(),
            inputs.to(weight.dtype),
            weight,
            bias,
            *state,
            mask,
        )
    return output, c


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        cell: Cell,
        precise: torch.dtype,
        differentiable: bool,
        inputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        h: Tensor,
        c: Tensor,
        mask: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.cell, ctx.precise = cell, precise
        first, first_c, outputs, cs = h, c, [], []
        values = []
        multiplied = weight.to(precise).t()
        recurrent = torch.empty_like(inputs[0])
        for given in inputs.unbind():
            seen = h if mask is None else h * mask
            if precise == h.dtype:
                torch.mm(seen, multiplied, out=recurrent.view(len(h), -1))
            else:
                recurrent.copy_((seen.to(precise) @ multiplied).view_as(recurrent))
            if bias is not None:
                recurrent += bias.view_as(recurrent[0])
            h, c, found = cell.step(given, recurrent, c)
            outputs.append(h)
            if differentiable:
                cs.append(c)
                values.append(found)
        output = torch.stack(outputs)
        if differentiable:
            # Neither inputs nor outputs: they need no guard against cycles or changes.
            ctx.kept = cs, values
            ctx.save_for_backward(inputs, weight, bias, first, first_c, mask, output)
        return output, c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_output: Tensor, of_c: Tensor) -> Any:
        inputs, weight, bias, first, first_c, mask, output = ctx.saved_tensors
        later, values = ctx.kept
        cs = [first_c, *later]
        steps, batch = inputs.shape[:2]
        lowered = weight.to(ctx.precise)
        of_inputs, of_recurrent = torch.empty_like(inputs), torch.empty_like(inputs)
        of_h = torch.zeros_like(first)
        block = steps if inputs.is_cuda else max(1, BLOCK // inputs[0].numel())
        for end in range(steps, 0, -block):
            now = slice(max(0, end - block), end)
            together = [torch.stack(each) for each in zip(*values[now], strict=True)]
            slopes = ctx.cell.slopes(inputs[now], torch.stack(cs[now]), together)
            of_hs, of_cs = [], []
            each = zip(
                *(slopes.h_recurrent.unbind(), slopes.c_recurrent.unbind()),
                *(slopes.h_c.unbind(), slopes.c_c.unbind()),
                *(of_output[now].unbind(), of_recurrent[now].unbind()),
                strict=True,
            )
            for h_gates, c_gates, h_c, c_c, of_one, of_gates in reversed(list(each)):
                of_h = of_h + of_one
                of_hs.append(of_h)
                of_cs.append(of_c)
                torch.mul(h_gates, of_h[:, None], out=of_gates).addcmul_(c_gates, of_c[:, None])
                of_c = (h_c * of_h).addcmul_(c_c, of_c)
                of_h = (of_gates.view(batch, -1).to(ctx.precise) @ lowered).to(of_h.dtype)
                if mask is not None:
                    of_h *= mask
            if slopes.h_inputs is slopes.h_recurrent:
                of_inputs[now] = of_recurrent[now]
            else:
                by_h, by_c = (torch.stack(of[::-1])[:, :, None] for of in (of_hs, of_cs))
                torch.mul(slopes.h_inputs, by_h, out=of_inputs[now])
                of_inputs[now].addcmul_(slopes.c_inputs, by_c)
        seen = torch.cat([first[None], output[:-1]])
        if mask is not None:
            seen *= mask
        flat = of_recurrent.view(steps * batch, -1)
        of_weight = flat.to(ctx.precise).t() @ seen.view(steps * batch, -1).to(ctx.precise)
        of_bias = None if bias is None else flat.sum(0)
        return (
            *(None, None, None, of_inputs, of_weight.to(weight.dtype), of_bias),
            *(of_h, of_c, None),
        )
