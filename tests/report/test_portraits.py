import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from nas_hpc.report import portraits
from nas_hpc.report.convnet_drawing import Places
from nas_hpc.report.convnet_graph import Graph
from nas_hpc.report.portraits import Portrait, portrait_of, register, tree
from nas_hpc.report.style import BLUE, styled
from nas_hpc.report.task import Task
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.convnet import convnet
from nas_hpc.spaces.layer_types import layer_types
from nas_hpc.spaces.learning_rate import with_learning_rate
from nas_hpc.spaces.pooling import pooling

TASK = Task(channels=1, height=8, width=8, classes=10)


def random_net(depth: int, seed: int, strides=(1, 2)):
    space = convnet(strides=strides)
    return describe(draw(space, {"depth": depth}, np.random.default_rng(seed)).architecture)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("task", [TASK, None])
@pytest.mark.parametrize("depth", [1, 2, 6, 20])
def test_every_layer_and_connection_is_drawn(depth, task):
    net = random_net(depth, seed=depth)
    with styled():
        figure = portrait_of(net).draw(net, task, "A heading")
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=30)
    assert Image.open(image).size[1] > 30
    written = texts(figure)
    assert {f"layer {i}" for i in range(depth)} | {"classifier", "A heading"} <= set(written)
    for stored in net["layers"]:
        assert any(f"{stored['height']} × {stored['width']} convolution" in t for t in written)

    # Connections that pass over other layers: one dot for each.
    graph = Graph.of(net, task)
    joins = [*(layer.join for layer in graph.layers), graph.last]
    passing = sum(
        source != number - 1 for number, join in enumerate(joins) for source in join.sources
    )
    dots = [each for each in figure.axes[0].lines if each.get_marker() == "o"]
    assert len(dots) == passing
    repaired = [i for i, stored in enumerate(net["layers"]) if i and not stored["inputs"]]
    assert sum("takes the image" in text for text in written) == len(repaired)
    assert any("loose ends" in text for text in written) == (len(graph.last.sources) > 1)


@pytest.mark.parametrize("task", [TASK, None])
def test_blocks_are_drawn_with_a_band_for_each_pooling(task):
    net = describe(draw(pooling(), {"depth": 13}, np.random.default_rng(1)).architecture)
    places = Places(Graph.of(net, task))
    with styled():
        figure = portrait_of(net).draw(net, task, "A heading")
    written = texts(figure)
    assert {f"block {i}" for i in range(13)} <= set(written)
    assert sum("max pooling" in text for text in written) == 2
    first, second = places.bands
    assert places.bottom(3) < first < places.entry[4] < places.top[4]
    assert places.bottom(7) < second < places.entry[8] < places.top[8]
    right = max(places.lane.values())
    (width,) = {p.get_width() for p in figure.axes[0].patches if p.get_x() + p.get_width() > right}
    assert width > right  # the bands reach over all lanes


TYPES = {"ConvLayer", "PoolLayer", "BatchNormLayer", "ContrastLayer"}


def test_typed_layers_and_the_learning_rate_are_drawn():
    space = with_learning_rate(layer_types(), (0.03,))
    net = describe(draw(space, {"depth": 20}, np.random.default_rng(1)).architecture)
    assert {each["type"] for each in net["architecture"]["layers"]} == TYPES
    with styled():
        written = texts(portrait_of(net).draw(net, TASK, "A heading"))
    assert "A heading, learning rate 0.03" in written
    for word in ("convolution", "pooling", "local contrast normalisation", "momentum"):
        assert any(word in text for text in written)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_connections_run_on_one_another(seed):
    places = Places(Graph.of(random_net(20, seed), TASK))
    for (one, x), (other, y) in combinations(places.lane.items(), 2):
        if x == y:
            first, second = sorted([one, other])
            assert places.entry[max(places.users[first])] < places.middle(second)


def test_filters_are_drawn_in_proportion():
    net = random_net(1, seed=0)
    net["layers"][0] |= {"height": 7, "width": 1}
    with styled():
        figure = portrait_of(net).draw(net, None, "")
    (glyph,) = [p for p in figure.axes[0].patches if matches(p.get_facecolor(), BLUE)]
    assert glyph.get_height() == pytest.approx(7 * glyph.get_width())


def matches(colour, name: str) -> bool:
    return [round(255 * part) for part in colour[:3]] == [
        int(name[i : i + 2], 16) for i in (1, 3, 5)
    ]


CELL = {
    "type": "Cell",
    "blocks": [
        {"type": "Block", "inputs": [0, 1], "operator": "identity"},
        {"type": "Block", "inputs": [], "operator": None},
    ],
    "filters": 8,
}


def test_unknown_types_are_shown_as_their_tree():
    expected = [
        "Cell",
        "  blocks:",
        "    0: Block",
        "      inputs: 0, 1",
        "      operator: identity",
        "    1: Block",
        "      inputs: none",
        "      operator: None",
        "  filters: 8",
    ]
    assert tree(CELL) == expected
    portrait = portrait_of(CELL)
    assert portrait.words(CELL, None) == expected
    assert portrait.line(CELL).startswith("Cell  blocks:  0: Block")
    with styled():
        figure = portrait.draw(CELL, None, "Heading")
    assert [text.get_text() for text in figure.texts] == ["Heading", "\n".join(expected)]


@pytest.mark.parametrize("data", [3, "text", [1, 2], [], {}, None])
def test_anything_that_is_json_can_be_shown(data):
    portrait = portrait_of(data)
    assert isinstance(portrait.line(data), str)
    with styled():
        portrait.draw(data, None, "Heading")


def test_a_space_can_register_its_own_portrait(monkeypatch):
    monkeypatch.setattr(portraits, "_PORTRAITS", dict(portraits._PORTRAITS))
    mine = Portrait(lambda data, task: ["a cell"], lambda data: "cell", portraits.PLAIN.draw)
    register("Cell", mine)
    assert portrait_of(CELL) is mine
