"""What is told of a network, against the network that is built from the same decisions."""

import numpy as np
import pytest
import torch

from nas_hpc.children.network import build, pooled
from nas_hpc.report.convnet_graph import Graph
from nas_hpc.report.convnet_words import line, named, words
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.task import Task
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.convnet import convnet
from nas_hpc.spaces.layer_types import layer_types
from nas_hpc.spaces.pooling import pooling

TASK = Task(channels=3, height=17, width=12, classes=10)


SPACES = {
    "strides": convnet(filters=(2, 3, 5), strides=(1, 2, 3)),
    "pooling": pooling(filters=(2, 3, 5), pool_after=(2, 3)),
    "layer types": layer_types(filters=(2, 3, 5), strides=(1, 2, 3)),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", SPACES)
def test_channels_and_sizes_are_those_of_the_built_network(name, seed):
    architecture = draw(SPACES[name], {"depth": 5}, np.random.default_rng(seed)).architecture
    graph = Graph.of(describe(architecture), TASK)
    network = build(architecture, TASK.channels, TASK.classes, 1e-5)
    shapes, inputs = {}, {}

    def remember(name):
        def hook(module, given, result):
            inputs[name], shapes[name] = tuple(given[0].shape[1:]), tuple(result.shape[1:])

        return hook

    for i in range(5):
        getattr(network, f"{graph.noun}_{i}").register_forward_hook(remember(i))
    with torch.no_grad():
        network(torch.zeros(2, TASK.channels, TASK.height, TASK.width))

    for layer in graph.layers:
        assert (layer.channels, *layer.size) == shapes[layer.number]
        assert (layer.join.channels, *layer.join.size) == inputs[layer.number]
        if not graph.pools:
            sources = [shapes[s][1:] for s in layer.join.sources if s >= 0]
            assert layer.join.padded == (len(set(sources)) > 1)
    assert graph.last.sources == architecture.loose_ends()
    assert graph.last.channels == network.classifier.in_features
    parts = [torch.zeros(2, *shapes[end]) for end in graph.last.sources]
    assert pooled(parts).shape[1] == graph.last.channels


def layer(height=3, width=3, filters=4, inputs=(), strides=(1, 1)):
    return {
        "type": "ConvLayer",
        "height": height,
        "width": width,
        "filters": filters,
        "stride_height": strides[0],
        "stride_width": strides[1],
        "inputs": list(inputs),
    }


NET = {
    "type": "ConvNet",
    "layers": [
        layer(1, 7, 24),
        layer(5, 3, 36, strides=(2, 1)),
        layer(3, 3, 48, inputs=(0, 1)),
        layer(1, 1, 64, inputs=(0,)),
    ],
}


def test_words_tell_every_decision_and_repair():
    assert words(NET, None) == [
        "layer 0: 1 × 7 convolution, 24 filters, of the image",
        "layer 1: 5 × 3 convolution, 36 filters, stride 2 × 1, of the image (no input was chosen)",
        "layer 2: 3 × 3 convolution, 48 filters, of layers 0 and 1",
        "layer 3: 1 × 1 convolution, 64 filters, of layer 0",
        "classifier: mean over all positions and a linear map, of layers 2 and 3 "
        "(their outputs feed no other layer)",
    ]


def test_line_is_short():
    assert line(NET) == "1×7·24←image  5×3·36/2×1←image  3×3·48←0,1  1×1·64←0"


def block(height=3, width=3, filters=4, inputs=(), layers=3):
    values = {"height": height, "width": width, "filters": filters, "layers": layers}
    return {"type": "Block"} | values | {"inputs": list(inputs)}


BLOCKS = {
    "type": "BlockNet",
    "pool_after": [1],
    "blocks": [block(1, 7, 6), block(5, 3, 12, (0,)), block(3, 3, 24, ()), block(inputs=(0, 1))],
}


def test_words_tell_every_block_and_where_pooling_is():
    assert words(BLOCKS, None) == [
        "block 0: 3 dense layers, each 6 filters of 1 × 7, of the image",
        "2 × 2 max pooling, stride 2, of everything so far",
        "block 1: 3 dense layers, each 12 filters of 5 × 3, of block 0",
        "block 2: 3 dense layers, each 24 filters of 3 × 3, of the image (no input was chosen)",
        "block 3: 3 dense layers, each 4 filters of 3 × 3, of blocks 0 and 1",
        "classifier: mean over all positions and a linear map, of blocks 2 and 3 "
        "(their outputs feed no other block)",
    ]
    assert line(BLOCKS) == "3(1×7·6)←image  pool  3(5×3·12)←0  3(3×3·24)←image  3(3×3·4)←0,1"


TYPED = {
    "type": "ConvNet",
    "layers": [
        {"type": "PoolLayer", "operation": "max", "size": 5, "stride": 2, "inputs": []},
        {"type": "BatchNormLayer", "momentum": 0.01, "inputs": [0]},
        layer(3, 1, 8, inputs=(0, 1)),
        {"type": "PoolLayer", "operation": "average", "size": 3, "stride": 1, "inputs": [1]},
        {"type": "ContrastLayer", "window": 9, "inputs": [2]},
    ],
}


def test_words_tell_the_types_of_layers_and_the_learning_rate():
    tuned = {"type": "Tuned", "architecture": TYPED, "learning_rate": 0.05}
    assert portrait_of(tuned).words(tuned, None) == [
        "layer 0: 5 × 5 max pooling, stride 2, of the image",
        "layer 1: batch normalisation, momentum 0.01, of layer 0",
        "layer 2: 3 × 1 convolution, 8 filters, of layers 0 and 1",
        "layer 3: 3 × 3 average pooling, of layer 1",
        "layer 4: local contrast normalisation, 9 × 9, of layer 2",
        "classifier: mean over all positions and a linear map, of layers 3 and 4 "
        "(their outputs feed no other layer)",
        "learning rate: 0.05",
    ]
    assert portrait_of(tuned).line(tuned) == (
        "max5/2←image  norm0.01←0  3×1·8←0,1  average3←1  contrast9←2  learning rate 0.05"
    )


def test_channels_that_follow_from_an_unknown_image_are_unknown():
    graph = Graph.of(TYPED, None)
    assert [each.channels for each in graph.layers] == [None, None, 8, None, 8]
    known = Graph.of(TYPED, TASK)
    assert [each.channels for each in known.layers] == [3, 3, 8, 3, 8]
    assert [each.size for each in known.layers] == [(9, 6)] * 5


def test_padding_is_known_without_the_size_of_the_image():
    graph = Graph.of(NET, None)
    assert [layer.join.padded for layer in graph.layers] == [False, False, True, False]
    assert not graph.last.padded


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ((-1,), "the image"),
        ((4,), "layer 4"),
        ((0, 1), "layers 0 and 1"),
        ((0, 1, 2), "layers 0 to 2"),
        ((0, 2, 3, 5, 6, 7), "layers 0, 2, 3 and 5 to 7"),
    ],
)
def test_layers_are_named_in_ranges(sources, text):
    assert named(sources) == text
