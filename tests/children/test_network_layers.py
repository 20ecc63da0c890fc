"""Networks of typed layers, and each type against a plain loop over pixels."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas_hpc.children.layers import layer_of
from nas_hpc.children.network import build, parameters
from nas_hpc.spaces import draw
from nas_hpc.spaces.layer_types import layer_types
from nas_hpc.spaces.layers import BatchNormLayer, ContrastLayer, ConvLayer, ConvNet, PoolLayer
from nas_hpc.spaces.learning_rate import Tuned

torch.set_num_threads(1)
SPACE = layer_types(filters=(1, 2, 3), strides=(1, 2))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 8),
    height=st.integers(1, 11),
    width=st.integers(1, 11),
)
def test_every_architecture_builds_and_learns(seed, depth, height, width):
    architecture = draw(SPACE, {"depth": depth}, np.random.default_rng(seed)).architecture
    torch.manual_seed(seed)
    network = build(architecture, 2, 5, 1e-3)
    logits = network(torch.randn(3, 2, height, width))
    assert logits.shape == (3, 5)
    F.cross_entropy(logits, torch.zeros(3, dtype=torch.int64)).backward()
    for weight in network.parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all()


def window_of(maps, row, column, size):
    """The part of [h, w] around a pixel, and the offsets of its pixels from it."""
    rows = range(max(0, row - size // 2), min(maps.shape[0], row + size // 2 + 1))
    columns = range(max(0, column - size // 2), min(maps.shape[1], column + size // 2 + 1))
    return [(maps[r, c].item(), r - row, c - column) for r in rows for c in columns]


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(6, 7), (1, 4), (5, 3)])
def test_pooling_is_over_windows_around_pixels(size, stride, height, width):
    maps = torch.randn(2, 3, height, width, dtype=torch.float64)
    for operation, plain in (("max", max), ("average", lambda values: sum(values) / len(values))):
        module, channels = layer_of(PoolLayer(operation, size, stride, ()), 3, 1e-5)
        found = module(maps)
        assert channels == 3
        assert found.shape == (2, 3, -(-height // stride), -(-width // stride))
        for n, c in np.ndindex(2, 3):
            for row, column in np.ndindex(*found.shape[2:]):
                inside = window_of(maps[n, c], row * stride, column * stride, size)
                expected = plain([value for value, _, _ in inside])
                assert found[n, c, row, column].item() == pytest.approx(expected)


@pytest.mark.parametrize("window", [3, 5, 9])
@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 3)])
def test_local_contrast_normalisation_by_its_formula(window, height, width):
    def local_mean(maps):
        """Of [c, h, w] over channels and a Gaussian window whose weights sum to 1: [h, w]."""
        result = torch.zeros(height, width, dtype=torch.float64)
        mean = maps.mean(0)
        for row, column in np.ndindex(height, width):
            around = [
                (value, np.exp(-(down**2 + right**2) / (2 * (window / 6) ** 2)))
                for value, down, right in window_of(mean, row, column, window)
            ]
            total = sum(weight for _, weight in around)
            result[row, column] = sum(value * weight for value, weight in around) / total
        return result

    torch.manual_seed(0)
    maps = 3 + 2 * torch.randn(2, 4, height, width, dtype=torch.float64)
    module, channels = layer_of(ContrastLayer(window, ()), 4, 1e-5)
    found = module.double()(maps)
    assert channels == 4
    for image, its_result in zip(maps, found, strict=True):
        centred = image - local_mean(image)
        deviation = local_mean(centred**2).sqrt()
        expected = centred / torch.maximum(deviation, deviation.mean())
        torch.testing.assert_close(its_result, expected, rtol=1e-5, atol=1e-6)


def test_a_flat_image_has_no_contrast_and_finite_gradients():
    maps = torch.full((1, 2, 4, 4), 7.0, requires_grad=True)
    module, _ = layer_of(ContrastLayer(3, ()), 2, 1e-5)
    result = module(maps)
    result.sum().backward()
    assert result.abs().max() < 1e-2
    assert torch.isfinite(maps.grad).all()


def test_batch_normalisation_has_the_momentum_decided_and_the_epsilon_of_training():
    module, channels = layer_of(BatchNormLayer(0.01, ()), 6, 1e-3)
    assert isinstance(module, nn.BatchNorm2d)
    assert (module.momentum, module.eps, module.num_features, channels) == (0.01, 1e-3, 6, 6)


def test_channels_go_through_layers_that_have_no_filters():
    # Image of 3 -> pooled 3 -> normalised 3; convolution of 3 to 8; convolution of 3 + 8 to 2.
    architecture = ConvNet(
        (
            PoolLayer("max", 3, 2, ()),
            BatchNormLayer(0.1, (0,)),
            ConvLayer(1, 1, 8, 1, 1, (1,)),
            ContrastLayer(5, (2,)),
            ConvLayer(3, 3, 2, 1, 1, (1, 3)),
            PoolLayer("average", 3, 1, (2,)),
        )
    )
    network = build(architecture, 3, 10, 1e-5)
    weights = 2 * 3 + (3 * 8 + 2 * 8) + (9 * (3 + 8) * 2 + 2 * 2)
    assert architecture.loose_ends() == (4, 5)
    assert parameters(network) == weights + (2 + 8 + 1) * 10
    assert network(torch.randn(2, 3, 9, 9)).shape == (2, 10)


def test_the_learning_rate_changes_nothing_in_the_network():
    architecture = draw(SPACE, {"depth": 5}, np.random.default_rng(1)).architecture
    networks = []
    for tuned in (architecture, Tuned(architecture, 0.01)):
        torch.manual_seed(1)
        networks.append(build(tuned, 3, 10, 1e-5).state_dict())
    assert networks[0].keys() == networks[1].keys()
    for name, value in networks[0].items():
        assert torch.equal(value, networks[1][name])
