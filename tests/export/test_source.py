"""Generated code against the networks that it was generated from, for all kinds of networks."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas_hpc.children import network
from nas_hpc.export import ExportError
from nas_hpc.export.source import flat_name, network_class
from nas_hpc.export.tracing import trace
from nas_hpc.spaces import draw
from nas_hpc.spaces.registry import BUILT_IN

HEADER = """
import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUT = {size}
"""
SPACES = {
    "convnet": ({"strides": (1, 2, 3)}, {"depth": 7}),
    "pooling": ({"pool_after": (1, 2)}, {"depth": 4}),
    "layer-types": ({}, {"depth": 8}),
    "cell": ({}, {"repeats": 1, "filters": 4}),
}


def written(trained, size):
    """The network that the generated code makes, with the weights of the trained one."""
    traced = trace(trained, torch.randn(2, *size, dtype=torch.float64))
    names = {}
    exec(HEADER.format(size=size) + network_class(traced), names)
    ours = names["Network"]().double()
    state = trained.state_dict() | traced.constants()
    ours.load_state_dict({flat_name(name): value for name, value in state.items()})
    return ours.eval()


def lively(trained):
    """Normalise by numbers that are not those of an untrained network."""
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return trained.double().eval()


@torch.no_grad()
def assert_same(trained, size=(3, 16, 16)):
    ours = written(lively(trained), size)
    for n in (1, 2, 5):
        images = torch.randn(n, *size, dtype=torch.float64)
        torch.testing.assert_close(ours(images), trained(images), rtol=1e-9, atol=1e-9)


def test_every_built_in_space_of_images_is_tried_here():
    assert SPACES.keys() == BUILT_IN.keys() - {"recurrent-cell"}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("seed", range(4))
def test_networks_of_every_space(name, seed):
    options, arguments = SPACES[name]
    torch.manual_seed(seed)
    walk = draw(BUILT_IN[name](**options), arguments, np.random.default_rng(seed))
    assert_same(network.build(walk.architecture, 3, 10, 1e-3))


class Odd(nn.Module):
    """What other networks may do."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(4, 1, 1))
        self.inner = nn.Module()
        self.inner.register_buffer("kept", torch.randn(4, 1, 1), persistent=False)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(4, 4, 3, padding="same", bias=b), nn.Mish()) for b in (0, 1)
        )
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.head = nn.Linear(16, 5)

    def forward(self, images):
        maps = self.stem(images) * self.scale - self.inner.kept
        for stage in self.stages:
            maps = stage(maps) + 0.5 * maps
        n, channels, height, width = maps.size()
        first, second = maps.view(n, 2, channels // 2, height, width).unbind(1)
        maps = torch.cat([second, first], 1)
        if maps.shape[-1] > 4:
            maps = F.pad(maps[:, :, 1:, ..., :-1], (0, 1, 1, 0), value=-float("inf"))
        maps = F.max_pool2d(maps, 3, 2, 1, ceil_mode=True).clamp(min=-5)
        maps = F.adaptive_avg_pool2d(self.pool(maps), (2, 2)).flatten(1)
        return self.head(-maps.to(torch.float64) / torch.tensor(3.0))


def test_a_network_with_tensors_of_its_own_and_decisions_by_size():
    torch.manual_seed(0)
    assert_same(Odd(), (3, 10, 12))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)
        self.head = nn.Linear(3, 2)

    def forward(self, images):
        return self.head(self.layer(self.layer(images)).relu_().mean((2, 3)))


def test_a_layer_that_is_used_twice():
    assert_same(Shared())


def test_lines_show_the_sizes_where_they_change():
    space = BUILT_IN["convnet"](filters=(24,), heights=(3,), widths=(5,))
    architecture = draw(space, {"depth": 1}, np.random.default_rng(0)).architecture
    text = network_class(
        trace(network.build(architecture, 3, 10, 1e-5), torch.randn(2, 3, 32, 32))
    ).splitlines()
    body = [line.strip() for line in text if line.strip()]
    assert "self.layer_0_convolution = nn.Conv2d(3, 24, (3, 5), padding=(1, 2), bias=False)" in body
    assert body[-6:] == [
        "x = self.layer_0_convolution(images)  # 24 x 32 x 32",
        "x = self.layer_0_normalisation(x)",
        "x = F.relu(x, inplace=True)",
        "x = x.mean((2, 3))  # 24",
        "classifier = self.classifier(x)  # 10",
        "return classifier",
    ]


class Other(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda images: torch.ops.aten.relu.default(images), "no public name in torch"),
        (lambda images: torch.from_numpy(images.numpy()), "Other cannot be written"),
    ],
)
def test_what_cannot_be_followed_is_refused(function, why):
    with pytest.raises(ExportError, match=why):
        network_class(trace(Other(function), torch.randn(2, 3, 4, 4)))


def test_a_module_without_a_name_is_refused():
    with pytest.raises(ExportError, match="'0' must have a name"):
        network_class(trace(nn.Sequential(nn.Flatten()), torch.randn(2, 3, 4, 4)))
