"""Networks against a plain forward pass written out here, and against counted weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_hpc.children.network import build, parameters
from nas_hpc.spaces import draw
from nas_hpc.spaces.convnet import ConvLayer, ConvNet, convnet

torch.set_num_threads(1)
SPACE = convnet(filters=(1, 2, 3), strides=(1, 2, 3))


def architectures(seed: int, depth: int) -> ConvNet:
    return draw(SPACE, {"depth": depth}, np.random.default_rng(seed)).architecture


def among_zeros(maps, height, width):
    bigger = torch.zeros(maps.shape[0], maps.shape[1], height, width, dtype=maps.dtype)
    top, left = (height - maps.shape[2]) // 2, (width - maps.shape[3]) // 2
    bigger[:, :, top : top + maps.shape[2], left : left + maps.shape[3]] = maps
    return bigger


def side_by_side(maps):
    height = max(m.shape[2] for m in maps)
    width = max(m.shape[3] for m in maps)
    return torch.cat([among_zeros(m, height, width) for m in maps], dim=1)


def naive(architecture, weights, image, epsilon, training):
    """The paper's network, its three repairs included, written out from section 3."""
    outputs, used = [], set()
    for i, layer in enumerate(architecture.layers):
        used |= set(layer.inputs)
        x = side_by_side([outputs[j] for j in layer.inputs]) if layer.inputs else image
        x = F.pad(x, (layer.width // 2,) * 2 + (layer.height // 2,) * 2)
        kernel = weights[f"layer_{i}.convolution.weight"]
        x = F.conv2d(x, kernel, stride=(layer.stride_height, layer.stride_width))
        if training:
            mean = x.mean((0, 2, 3))
            variance = ((x - mean[:, None, None]) ** 2).mean((0, 2, 3))
        else:
            mean = weights[f"layer_{i}.normalisation.running_mean"]
            variance = weights[f"layer_{i}.normalisation.running_var"]
        scale = weights[f"layer_{i}.normalisation.weight"] / torch.sqrt(variance + epsilon)
        shift = weights[f"layer_{i}.normalisation.bias"] - mean * scale
        outputs.append(torch.clamp(x * scale[:, None, None] + shift[:, None, None], min=0))
    ends = [outputs[i] for i in range(len(outputs)) if i not in used]
    features = side_by_side(ends).mean((2, 3))
    return features @ weights["classifier.weight"].T + weights["classifier.bias"]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 6),
    count=st.integers(2, 4),
    channels=st.integers(1, 3),
    height=st.integers(1, 11),
    width=st.integers(1, 11),
    classes=st.integers(2, 5),
    training=st.booleans(),
)
def test_any_architecture_is_the_network_of_the_paper(
    seed, depth, count, channels, height, width, classes, training
):
    architecture = architectures(seed, depth)
    torch.manual_seed(seed)
    network = build(architecture, channels, classes, 1e-3).double().train(training)
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    image = torch.randn(count, channels, height, width, dtype=torch.float64)

    logits = network(image)
    assert logits.shape == (count, classes)
    torch.testing.assert_close(logits, naive(architecture, weights, image, 1e-3, training))

    F.cross_entropy(logits, torch.zeros(count, dtype=torch.int64)).backward()
    for weight in network.parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), depth=st.integers(1, 8), channels=st.integers(1, 3))
def test_number_of_parameters_follows_the_formula(seed, depth, channels):
    architecture = architectures(seed, depth)
    layers = architecture.layers
    fed = {j for layer in layers for j in layer.inputs}
    expected = 0
    for layer in layers:
        enters = sum(layers[j].filters for j in layer.inputs) if layer.inputs else channels
        expected += layer.height * layer.width * enters * layer.filters  # convolution, no bias
        expected += 2 * layer.filters  # batch normalisation: scale and shift
    features = sum(layer.filters for i, layer in enumerate(layers) if i not in fed)
    expected += (features + 1) * 10  # the linear map and its bias
    assert parameters(build(architecture, channels, 10, 1e-5)) == expected


def test_the_three_repairs_on_an_architecture_worked_out_by_hand():
    # Layer 0 halves the rows; layer 1 has no input; layer 2 joins both; layer 3 has no input and
    # feeds nothing, so that layers 2 and 3 are the loose ends.
    architecture = ConvNet(
        (
            ConvLayer(1, 1, 1, 2, 1, ()),
            ConvLayer(1, 1, 1, 1, 1, ()),
            ConvLayer(1, 1, 1, 1, 1, (0, 1)),
            ConvLayer(1, 1, 2, 4, 4, ()),
        )
    )
    network = build(architecture, 1, 2, 1e-5).eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("convolution.weight"):
                value.fill_(1.0)
            if name.endswith("running_var"):
                value.fill_(1 - 1e-5)
        network.classifier.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        network.classifier.bias.zero_()
        # Image of ones, 4 x 4. Layer 0: ones, 2 x 4, padded to rows 1 and 2. Layer 1: ones, 4 x 4.
        # Layer 2: rows of 1, 2, 2, 1: mean 1.5. Layer 3: a single 1 among 4 x 4: mean 1 / 16.
        logits = network(torch.ones(1, 1, 4, 4))
    torch.testing.assert_close(logits, torch.tensor([[1.5, 1 / 16]]))


def test_modules_are_named_by_layer():
    names = {name for name, _ in build(architectures(0, 4), 1, 10, 1e-5).named_modules()}
    assert {"layer_3.convolution", "layer_3.normalisation", "classifier"} <= names


def test_an_unknown_architecture_is_named():
    with pytest.raises(TypeError, match="no network is known for a str"):
        build("conv", 1, 10, 1e-5)
