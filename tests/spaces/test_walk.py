"""What holds for every walk: of the convolutional spaces and of one that branches."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_hpc.spaces import (
    Anchor,
    Choice,
    Connect,
    Kind,
    Point,
    Space,
    SpaceError,
    Walk,
    complete,
    describe,
    digest,
    draw,
    enumerate_space,
    mutate,
    replay,
)
from nas_hpc.spaces.convnet import ConvLayer, ConvNet, convnet
from nas_hpc.spaces.layer_types import layer_types
from nas_hpc.spaces.learning_rate import with_learning_rate
from nas_hpc.spaces.pooling import pooling
from tests.spaces.examples import BRANCHING, BRANCHING_TWO, OPERATION, SIZE, Graph, Node

SPACES = {
    "convnet": (convnet(), "depth", 4),
    "strided": (convnet(strides=(1, 2, 3)), "depth", 3),
    "pooling": (pooling(pool_after=()), "depth", 3),
    "layer types": (layer_types(strides=(1, 2)), "depth", 4),
    "learning rate": (with_learning_rate(layer_types(), (0.1, 0.01)), "depth", 2),
    "branching": (BRANCHING, "nodes", 5),
}


@st.composite
def walks(drawn):
    """A space, arguments, and a walk by answers that hypothesis chooses and shrinks."""
    space, argument, most = SPACES[drawn(st.sampled_from(sorted(SPACES)))]
    arguments = {argument: drawn(st.integers(1, most))}
    choose = lambda path, values: drawn(st.sampled_from(list(values)))  # noqa: E731
    return space, arguments, complete(space, arguments, choose)


@given(walks())
def test_tokens_replay_to_the_same_architecture(case):
    space, arguments, walk = case
    assert replay(space, arguments, walk.tokens) == walk.architecture
    paths = [path for path, _ in walk.tokens]
    assert len(set(paths)) == len(paths)


@given(walks())
def test_different_tokens_of_these_spaces_are_different_architectures(case):
    space, arguments, walk = case
    other = draw(space, arguments, np.random.default_rng(0))
    assert (other.tokens == walk.tokens) == (other.architecture == walk.architecture)
    same = digest(describe(other.architecture)) == digest(describe(walk.architecture))
    assert same == (other.architecture == walk.architecture)


@given(walks(), st.integers(0, 2**32))
def test_a_mutation_is_valid_and_different(case, seed):
    space, arguments, walk = case
    mutant = mutate(space, arguments, walk.tokens, np.random.default_rng(seed))
    assert mutant.architecture != walk.architecture
    assert replay(space, arguments, mutant.tokens) == mutant.architecture
    if space.static:
        assert [path for path, _ in mutant.tokens] == [path for path, _ in walk.tokens]
        changed = [a for a, b in zip(walk.tokens, mutant.tokens, strict=True) if a != b]
        assert len(changed) == 1


@given(st.integers(0, 2**32))
def test_a_mutation_that_branches_keeps_later_paths_that_still_exist(seed):
    first = Graph((Node("convolution", 3, None, (0,)), Node("convolution", 1, None, (0, 1))))
    tokens = next(
        w.tokens for w in enumerate_space(BRANCHING, {"nodes": 2}) if w.architecture == first
    )
    mutant = mutate(BRANCHING, {"nodes": 2}, tokens, np.random.default_rng(seed))
    before, after = dict(tokens), dict(mutant.tokens)
    common = [path for path in before if path in after]
    changed = [path for path in common if before[path] != after[path]]
    # A size that the first node took over is drawn anew at the second one.
    taken_over = ["node 0/size", "node 1/size"]
    assert len(changed) == 1 or (changed == taken_over and after["node 0/size"] == 0)


def test_mutations_reach_everything_that_is_one_token_away():
    space = convnet((1, 3), (1,), (8, 16))
    start = next(iter(enumerate_space(space, {"depth": 2})))
    neighbours = {
        walk.tokens
        for walk in enumerate_space(space, {"depth": 2})
        if sum(a != b for a, b in zip(walk.tokens, start.tokens, strict=True)) == 1
    }
    rng = np.random.default_rng(0)
    mutants = {mutate(space, {"depth": 2}, start.tokens, rng).tokens for _ in range(200)}
    assert mutants == neighbours
    assert len(neighbours) == 5


@pytest.mark.parametrize("seed", range(10))
def test_a_change_that_makes_no_difference_is_no_mutation(seed):
    def generate():
        yield Choice(SIZE, "without effect")
        return (yield Choice(OPERATION, "operation", ("stop", "pooling")))

    space = Space("redundant", (SIZE, OPERATION), generate)
    tokens = (("without effect", 1), ("operation", 1))
    mutant = mutate(space, {}, tokens, np.random.default_rng(seed))
    assert mutant.tokens == (("without effect", 1), ("operation", 2))


def test_a_space_of_one_architecture_has_no_mutation():
    space = convnet((3,), (3,), (8,))
    (walk,) = enumerate_space(space, {"depth": 1})
    with pytest.raises(SpaceError, match="no single change"):
        mutate(space, {"depth": 1}, walk.tokens, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        (((1, 3), (1, 3, 5), (8,)), 2),
        (((1,), (1,), (8, 16)), 4),
        (((3,), (1, 3), (8,), (1, 2)), 2),
        (((1, 3, 5, 7), (1, 3, 5, 7), (24, 36, 48, 64)), 1),
    ],
)
def test_enumeration_counts_options_and_subsets_of_earlier_layers(options, depth):
    strides = options[3] if len(options) > 3 else (1,)
    per_layer = math.prod(map(len, options[:3])) * len(strides) ** 2
    expected = math.prod(per_layer * 2**i for i in range(depth))
    found = [walk.architecture for walk in enumerate_space(convnet(*options), {"depth": depth})]
    assert len(found) == len(set(found)) == expected


def test_enumeration_of_a_space_that_branches():
    found = {walk.architecture for walk in enumerate_space(BRANCHING, {"nodes": 2})}
    assert len(found) == BRANCHING_TWO == 144
    assert len(list(enumerate_space(BRANCHING, {"nodes": 2}))) == 144


def test_drawing_is_uniform_over_each_token():
    counts = np.zeros(4)
    rng = np.random.default_rng(3)
    for _ in range(4000):
        counts[draw(convnet(), {"depth": 1}, rng).tokens[0][1]] += 1
    assert ((counts - 1000) ** 2 / 1000).sum() < 16.3  # chi-squared, 3 degrees, p = 0.001


def test_decoding_of_the_paper_s_space():
    space = convnet(strides=(1, 2, 3))
    tokens = (
        ("layer 0/filter height", 3),
        ("layer 0/filter width", 0),
        ("layer 0/filters", 1),
        ("layer 0/stride height", 2),
        ("layer 0/stride width", 0),
        ("layer 1/filter height", 1),
        ("layer 1/filter width", 2),
        ("layer 1/filters", 3),
        ("layer 1/stride height", 0),
        ("layer 1/stride width", 1),
        ("layer 1/inputs < layer 0", 1),
    )
    net = ConvNet((ConvLayer(7, 1, 36, 3, 1, ()), ConvLayer(3, 5, 64, 1, 2, (0,))))
    assert replay(space, {"depth": 2}, tokens) == net
    assert net.loose_ends() == (1,)
    alone = replay(space, {"depth": 2}, (*tokens[:-1], (tokens[-1][0], 0)))
    assert alone.loose_ends() == (0, 1)


TOKENS = (("layer 0/filter height", 0), ("layer 0/filter width", 0), ("layer 0/filters", 0))


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (TOKENS[:2], r"asks for ['layer 0/filters'] where the stored tokens have []"),
        ((*TOKENS, ("layer 1/filters", 0)), "1 tokens too many"),
        ((*TOKENS[:2], ("layer 0/filters", 4)), "layer 0/filters: token 4 is not one of [0, 1, 2"),
        ((*TOKENS[:2], ("layer 0/filters", -1)), "layer 0/filters: token -1 is not one of"),
        ((TOKENS[1], TOKENS[0], TOKENS[2]), "asks for ['layer 0/filter height'] where"),
    ],
)
def test_tokens_that_do_not_belong_are_refused(tokens, message):
    assert replay(convnet(), {"depth": 1}, TOKENS)
    with pytest.raises(SpaceError, match=re.escape(message)):
        replay(convnet(), {"depth": 1}, tokens)


def test_a_token_outside_of_the_allowed_part_is_refused():
    stop = OPERATION.options.index("stop")
    with pytest.raises(SpaceError, match=r"node 0/operation: token 2 is not one of \[0, 1\]"):
        replay(BRANCHING, {"nodes": 1}, (("node 0/operation", stop),))


def test_answers_of_the_wrong_length_and_too_many_are_refused():
    walk = Walk(convnet(), {"depth": 1})
    with pytest.raises(SpaceError, match=r"layer 0/filter height: takes 1 tokens, got \[0, 0\]"):
        walk.answer([0, 0])
    for _ in range(3):
        walk.answer([0])
    walk.answer([])
    with pytest.raises(SpaceError, match="nothing is left to decide"):
        walk.answer([0])


def one(decisions, kinds=(OPERATION, SIZE)):
    """A space that yields the given decisions."""

    def generate():
        for decision in decisions:  # noqa: UP028  (a list cannot be sent answers)
            yield decision

    return Space("faulty", kinds, generate)


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ([Choice(Kind("depth", (1, 2)), "a")], "a: kind 'depth' with options (1, 2) is not among"),
        ([Choice(Kind("size", (1, 3)), "a")], "a: kind 'size' with options (1, 3) is not among"),
        ([Choice(SIZE, "a"), Choice(SIZE, "a")], "uses the path 'a' twice"),
        ([Anchor("a"), Choice(SIZE, "a")], "uses the path 'a' twice"),
        ([Choice(SIZE, "a", (7,))], "a: among=(7,) must be a non-empty part of (1, 3, 5)"),
        ([Choice(SIZE, "a", ())], "a: among=() must be a non-empty part"),
        ([Point("a", ())], "a: there is no anchor to point at"),
        ([Point("a", (0,))], "a: anchor 0 does not exist, there are 0"),
        ([Anchor("b"), Connect("a", (0, 1))], "a: anchor 1 does not exist, there are 1"),
        ([Anchor("b"), Connect("a", (-1,))], "a: anchor -1 does not exist"),
        ([Anchor("b"), Connect("a", (0, 0))], "a: an anchor stands twice in [0, 0]"),
        (["size"], "yielded 'size', not a decision"),
    ],
)
def test_faulty_generators_are_refused(decisions, message):
    with pytest.raises(SpaceError, match=re.escape(message)):
        list(enumerate_space(one(decisions), {}))


def test_faulty_declarations_are_refused():
    with pytest.raises(SpaceError, match="declares a kind twice"):
        Space("twice", (SIZE, Kind("size", (7,))), lambda: iter(()))
    with pytest.raises(SpaceError, match="has no options"):
        Kind("empty", ())
    with pytest.raises(SpaceError, match="names an option twice"):
        Kind("twice", (1, 1))


@pytest.mark.parametrize("arguments", [{}, {"depth": 0}, {"depth": "6"}, {"depth": 2, "width": 1}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(SpaceError, match=r"depth|width"):
        Walk(convnet(), arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heights": (2,)}, "heights must be odd"),
        ({"widths": (1, -1)}, "widths must be odd"),
        ({"filters": (0,)}, "filters must be positive"),
        ({"strides": (1.5,)}, "strides must be positive"),
        ({"filters": (24, 24)}, "names an option twice"),
        ({"filters": ()}, "has no options"),
    ],
)
def test_wrong_options_of_the_paper_s_space_are_refused(options, message):
    with pytest.raises(SpaceError, match=message):
        convnet(**options)
