"""Keys of architectures and fingerprints of spaces."""

import json
from dataclasses import dataclass

import pytest

from nas_hpc.spaces import (
    Choice,
    Kind,
    Space,
    SpaceError,
    canonical,
    describe,
    digest,
    fingerprint,
    replay,
)
from nas_hpc.spaces.convnet import ConvLayer, ConvNet, convnet

WIDTH = Kind("width", (8, 16, 32))
HEIGHT = Kind("height", (8, 16, 32))


@dataclass(frozen=True)
class Pair:
    width: int
    height: int


def plain(count):
    width = yield Choice(WIDTH, "width")
    height = yield Choice(HEIGHT, "height")
    return Pair(width, height)


def commented(count):
    """The same, told at length."""
    # Another way of writing what `plain` does.
    chosen = []
    for kind in (WIDTH, HEIGHT):
        chosen.append((yield Choice(kind, kind.name)))
    return Pair(*chosen)


def other_order(count):
    height = yield Choice(HEIGHT, "height")
    width = yield Choice(WIDTH, "width")
    return Pair(width, height)


def other_decoding(count):
    width = yield Choice(WIDTH, "width")
    height = yield Choice(HEIGHT, "height")
    return Pair(height, width)


def other_path(count):
    width = yield Choice(WIDTH, "columns")
    height = yield Choice(HEIGHT, "height")
    return Pair(width, height)


def restricted(count):
    width = yield Choice(WIDTH, "width", (8, 16))
    height = yield Choice(HEIGHT, "height")
    return Pair(width, height)


def of(generate, name="pair", kinds=(WIDTH, HEIGHT)):
    return fingerprint(Space(name, kinds, generate), {"count": 1})


def test_comments_and_another_way_of_writing_keep_the_fingerprint():
    assert of(plain) == of(commented)
    assert of(plain) == of(plain)


def test_whatever_a_space_does_differently_changes_its_fingerprint():
    prints = [of(plain), of(other_order), of(other_decoding), of(other_path), of(restricted)]
    prints += [of(plain, name="couple"), of(plain, kinds=(HEIGHT, WIDTH))]
    prints += [of(plain, kinds=(WIDTH, HEIGHT, Kind("depth", (1, 2))))]
    assert len(set(prints)) == len(prints)


def test_options_and_their_order_change_the_fingerprint_of_the_paper_s_space():
    prints = [
        fingerprint(convnet(**options), {"depth": 3})
        for options in (
            {},
            {"filters": (24, 36, 48)},
            {"filters": (36, 24, 48, 64)},
            {"filters": (24, 36, 48, 65)},
            {"strides": (2,)},
            {"strides": (1, 2, 3)},
        )
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint(convnet(), {"depth": 3}) == prints[0]


def test_an_architecture_as_json():
    net = ConvNet((ConvLayer(3, 5, 24, 1, 1, ()), ConvLayer(1, 7, 36, 2, 1, (0,))))
    data = describe(net)
    assert json.loads(canonical(data)) == data
    assert data["type"] == "ConvNet"
    assert data["layers"][1] == {
        "type": "ConvLayer",
        "height": 1,
        "width": 7,
        "filters": 36,
        "stride_height": 2,
        "stride_width": 1,
        "inputs": [0],
    }


def test_equal_data_have_one_key_and_different_data_have_two():
    assert canonical({"b": [1, 2], "a": None}) == '{"a":null,"b":[1,2]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})
    tokens = (("width", 0), ("height", 1))
    pair = replay(Space("pair", (WIDTH, HEIGHT), plain), {"count": 1}, tokens)
    assert digest(describe(pair)) == digest({"height": 16, "type": "Pair", "width": 8})


def test_what_is_not_data_is_refused():
    @dataclass(frozen=True)
    class Odd:
        value: object

    with pytest.raises(SpaceError, match=r"made of dataclasses.*not of set"):
        describe(Odd({1, 2}))
