"""Gradient descent and Adam against those of torch, with torch's own bound on gradients."""

import pytest
import torch
from torch import nn

from nas_hpc.children.language.optimiser import OPTIMISERS

TORCHS = {
    "sgd": lambda weights, decay: torch.optim.SGD(weights, 0.1, weight_decay=decay),
    "adam": lambda weights, decay: torch.optim.Adam(weights, 0.1, weight_decay=decay),
}


def weights() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((4, 3), (5,))]


def gradients(step: int, scale: float) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(step + 1)
    return [scale * torch.randn(shape, generator=generator) for shape in ((4, 3), (5,))]


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_the_update_is_that_of_torch(name, weight_decay, scale):
    ours, theirs = weights(), weights()
    optimiser = OPTIMISERS[name](ours, 2.0, weight_decay)
    reference = TORCHS[name](theirs, weight_decay)
    for step, rate in enumerate((0.1, 0.1, 0.03, 0.01)):
        reference.param_groups[0]["lr"] = rate
        for group in (ours, theirs):
            for weight, gradient in zip(group, gradients(step, scale), strict=True):
                weight.grad = gradient.clone()
        optimiser.step(rate)
        nn.utils.clip_grad_norm_(theirs, 2.0)
        reference.step()
    for one, other, first in zip(ours, theirs, weights(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        assert not torch.allclose(one, first, atol=1e-4)


def test_a_step_is_no_longer_than_the_bound_allows():
    ours = weights()
    optimiser = OPTIMISERS["sgd"](ours, 5.0, 0.0)
    for weight, gradient in zip(ours, gradients(0, 1e6), strict=True):
        weight.grad = gradient
    optimiser.step(0.1)
    moved = [one.detach() - first.detach() for one, first in zip(ours, weights(), strict=True)]
    length = torch.cat([part.flatten() for part in moved]).norm().item()
    assert length == pytest.approx(0.1 * 5.0, rel=1e-5)
