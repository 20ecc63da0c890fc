"""A small space with everything in it, for tests of whatever drives a space."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from nas_hpc.spaces import Anchor, Choice, Connect, Kind, Point, Space

OPERATION = Kind("operation", ("convolution", "pooling", "stop"))
SIZE = Kind("size", (1, 3, 5))


@dataclass(frozen=True)
class Node:
    operation: str
    size: int | None
    source: int | None
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...]


def _generate(nodes: int) -> Generator[Any, Any, Graph]:
    yield Connect("nothing", ())
    anchors = [(yield Anchor("image"))]
    built: list[Node] = []
    for i in range(nodes):
        allowed = ("pooling", "convolution") if i == 0 else None
        operation = yield Choice(OPERATION, f"node {i}/operation", allowed)
        if operation == "stop":
            break
        size = source = None
        if operation == "convolution":
            other = [s for s in SIZE.options if not built or s != built[-1].size]
            size = yield Choice(SIZE, f"node {i}/size", tuple(other))
        else:
            source = yield Point(f"node {i}/source", anchors[::-1])
        inputs = yield Connect(f"node {i}/inputs", tuple(anchors))
        anchors.append((yield Anchor(f"node {i}")))
        built.append(Node(operation, size, source, inputs))
    return Graph(tuple(built))


BRANCHING = Space("branching", (OPERATION, SIZE), _generate)
"""Empty and full `Connect`, `Point` against the order of the anchors, `Choice` among a part, an
anchor before the first choice, walks of different lengths and kinds.

Two nodes: a convolution first (3 sizes x 2 subsets) leaves 1 stop, 2 other sizes x 4 subsets and
2 sources x 4 subsets; a pooling first (1 source x 2 subsets) leaves 1, 3 x 4 and 2 x 4.
"""
BRANCHING_TWO = 6 * (1 + 8 + 8) + 2 * (1 + 12 + 8)
