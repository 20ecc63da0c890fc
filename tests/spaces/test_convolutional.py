"""The convolutional spaces: their sizes, decisions and decoding, written out from the paper."""

import inspect
import math
import re

import numpy as np
import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.policies import make
from nas_hpc.policies.strategy import Request
from nas_hpc.spaces import (
    SpaceError,
    describe,
    draw,
    enumerate_space,
    fingerprint,
    load_space,
    replay,
)
from nas_hpc.spaces.convnet import convnet
from nas_hpc.spaces.layer_types import TYPES, layer_types
from nas_hpc.spaces.layers import (
    BatchNormLayer,
    Block,
    BlockNet,
    ContrastLayer,
    ConvLayer,
    ConvNet,
    PoolLayer,
)
from nas_hpc.spaces.learning_rate import Tuned, with_learning_rate
from nas_hpc.spaces.pooling import pooling

SIDES = (1, 3, 5, 7)


@pytest.mark.parametrize(
    ("space", "options"),
    [
        (
            convnet(),
            {"filter height": SIDES, "filter width": SIDES, "filters": (24, 36, 48, 64)},
        ),
        (
            convnet(strides=(1, 2, 3)),
            {
                "filter height": SIDES,
                "filter width": SIDES,
                "filters": (24, 36, 48, 64),
                "stride height": (1, 2, 3),
                "stride width": (1, 2, 3),
            },
        ),
        (
            pooling(),
            {"filter height": SIDES, "filter width": SIDES, "filters": (6, 12, 24, 36)},
        ),
    ],
    ids=["no strides", "strides", "pooling"],
)
def test_options_are_those_of_the_paper(space, options):
    assert {kind.name: kind.options for kind in space.kinds} == options


def decisions(space, depth):
    return len(draw(space, {"depth": depth}, np.random.default_rng(0)).tokens)


def test_number_of_decisions():
    """Three or five for a layer, and one for each pair of layers."""
    assert decisions(convnet(), 15) == 15 * 3 + 15 * 14 // 2
    assert decisions(convnet(strides=(1, 2, 3)), 20) == 20 * 5 + 20 * 19 // 2
    assert decisions(pooling(), 13) == 13 * 3 + 13 * 12 // 2


def test_decoding_of_blocks():
    space = pooling(pool_after=(1,))
    tokens = (
        ("block 0/filter height", 1),
        ("block 0/filter width", 3),
        ("block 0/filters", 0),
        ("block 1/filter height", 0),
        ("block 1/filter width", 2),
        ("block 1/filters", 3),
        ("block 1/inputs < block 0", 1),
    )
    net = BlockNet((Block(3, 7, 6, 3, ()), Block(1, 5, 36, 3, (0,))), (1,))
    assert replay(space, {"depth": 2}, tokens) == net
    assert net.loose_ends() == (1,)
    assert describe(net)["blocks"][1] == {
        "type": "Block",
        "height": 1,
        "width": 5,
        "filters": 36,
        "layers": 3,
        "inputs": [0],
    }


def test_size_of_the_space_of_blocks():
    space = pooling((1, 3), (3,), (6, 12, 24), pool_after=(1,))
    found = {walk.architecture for walk in enumerate_space(space, {"depth": 3})}
    assert len(found) == 6**3 * 2 ** (0 + 1 + 2)


def test_the_places_of_pooling_are_part_of_the_space():
    prints = [
        fingerprint(pooling(**options), {"depth": 4})
        for options in (
            {"pool_after": ()},
            {"pool_after": (1,)},
            {"pool_after": (1, 2)},
            {"pool_after": (1, 2), "block_layers": 2},
        )
    ]
    assert len(set(prints)) == 4


def test_decoding_of_typed_layers():
    tokens = (
        ("layer 0/type", 0),
        ("layer 0/filter height", 1),
        ("layer 0/filter width", 2),
        ("layer 0/filters", 3),
        ("layer 1/type", 1),
        ("layer 1/pooling size", 1),
        ("layer 1/pooling stride", 1),
        ("layer 1/input", 0),
        ("layer 2/type", 4),
        ("layer 2/window", 3),
        ("layer 2/input", 1),
        ("layer 3/type", 3),
        ("layer 3/momentum", 1),
        ("layer 3/input", 0),
        ("layer 4/type", 0),
        ("layer 4/filter height", 0),
        ("layer 4/filter width", 0),
        ("layer 4/filters", 0),
        ("layer 4/inputs < layer 0", 0),
        ("layer 4/inputs < layer 1", 1),
        ("layer 4/inputs < layer 2", 0),
        ("layer 4/inputs < layer 3", 1),
    )
    net = ConvNet(
        (
            ConvLayer(3, 5, 64, 1, 1, ()),
            PoolLayer("max", 5, 2, (0,)),
            ContrastLayer(9, (1,)),
            BatchNormLayer(0.01, (0,)),
            ConvLayer(1, 1, 24, 1, 1, (1, 3)),
        )
    )
    assert replay(layer_types(), {"depth": 5}, tokens) == net
    assert net.loose_ends() == (2, 4)
    kinds = [layer["type"] for layer in describe(net)["layers"]]
    assert kinds == ["ConvLayer", "PoolLayer", "ContrastLayer", "BatchNormLayer", "ConvLayer"]


def test_size_of_the_space_of_typed_layers():
    """Each type counts its own options; the first layer takes the image, the second has a choice:
    convolutions take any subset of the earlier layers, the others one of them."""
    space = layer_types((1, 3), (3,), (4, 8, 16), windows=(3, 5, 7))
    filters, pools, others = 2 * 1 * 3, 2 * (2 * 2), 2 + 3
    expected = (filters + pools + others) * math.prod(
        filters * 2**i + (pools + others) * i for i in (1, 2)
    )
    found = {walk.architecture for walk in enumerate_space(space, {"depth": 3})}
    assert len(found) == expected


def test_every_type_occurs_and_a_part_of_them_may_be_asked_for():
    def kinds(space):
        nets = [draw(space, {"depth": 8}, np.random.default_rng(i)).architecture for i in range(20)]
        return {type(layer) for net in nets for layer in net.layers}

    assert kinds(layer_types()) == {ConvLayer, PoolLayer, BatchNormLayer, ContrastLayer}
    assert kinds(layer_types(types=TYPES[:2])) == {ConvLayer, PoolLayer}


def test_the_controller_walks_through_typed_layers_and_learning_rates():
    space = with_learning_rate(layer_types(), (0.1, 0.01))
    experiment = Experiment.model_validate(
        {
            "name": "x",
            "space": {"name": "layer-types", "learning_rates": [0.1, 0.01]},
            "training": {"learning_rate": None},
        }
    )
    strategy = make("reinforce", experiment, space)
    for proposal in strategy.ask([Request(i, {"depth": 6}) for i in range(5)]):
        tuned = replay(space, {"depth": 6}, proposal.tokens)
        assert isinstance(tuned, Tuned) and len(tuned.architecture.layers) == 6


def test_a_learning_rate_is_chosen_last_and_doubles_any_space():
    space = with_learning_rate(convnet((1, 3), (1,), (8,)), (0.1, 0.01, 0.001))
    found = list(enumerate_space(space, {"depth": 2}))
    assert len(found) == 3 * 2**2 * 2
    assert all(walk.tokens[-1][0] == "learning rate" for walk in found)
    assert {walk.architecture.learning_rate for walk in found} == {0.1, 0.01, 0.001}
    assert space.static and space.name == "convnet"
    assert list(inspect.signature(space.generate).parameters) == ["depth"]
    with pytest.raises(SpaceError, match=r"arguments \{'width': 2\}"):
        draw(space, {"width": 2}, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make_space", "options", "message"),
    [
        (convnet, {"heights": (2, 3)}, "convnet: heights must be odd positive numbers, got [2, 3]"),
        (convnet, {"strides": (0,)}, "convnet: strides must be positive numbers, got [0]"),
        (pooling, {"widths": (4,)}, "pooling: widths must be odd"),
        (pooling, {"block_layers": 0}, "pooling: block_layers must be positive"),
        (pooling, {"pool_after": (8, 4)}, "pooling: pool_after must be ascending, got [8, 4]"),
        (pooling, {"pool_after": (4, 4)}, "must be ascending"),
        (layer_types, {"types": ("max",)}, "types must be among ['convolution', 'max pooling'"),
        (layer_types, {"pooling_sizes": (2,)}, "pooling_sizes must be odd"),
        (layer_types, {"momenta": (0,)}, "momenta must be in (0, 1], got [0]"),
    ],
)
def test_wrong_options_are_named(make_space, options, message):
    with pytest.raises(SpaceError, match=re.escape(message)):
        make_space(**options)


def test_a_depth_that_pooling_does_not_fit_is_refused():
    with pytest.raises(SpaceError, match=re.escape("pool_after [4, 8] must be below the depth, 8")):
        draw(pooling(), {"depth": 8}, np.random.default_rng(0))
    for space in (convnet(), pooling(), layer_types()):
        with pytest.raises(SpaceError, match=f"{space.name}: depth must be a positive number"):
            draw(space, {"depth": 0}, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["convnet", "pooling", "layer-types"])
def test_an_experiment_names_them(name):
    space = {"name": name, "options": {"filters": [4, 8]}, "arguments": {"depth": 13}}
    loaded = load_space(Experiment.model_validate({"name": "x", "space": space}))
    assert loaded.name == name
    rates = {"space": space | {"learning_rates": [0.1, 0.5]}, "training": {"learning_rate": None}}
    tuned = load_space(Experiment.model_validate({"name": "x"} | rates))
    assert tuned.kinds == (*loaded.kinds, tuned.kinds[-1])
    assert tuned.kinds[-1].options == (0.1, 0.5)
