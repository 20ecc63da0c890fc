"""Convolutional networks in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_hpc.report.convnet_graph import IMAGE, Graph, Layer
from nas_hpc.report.task import Task

POOLING = "2 × 2 max pooling, stride 2, of everything so far"
"""What stands between two blocks."""


def words(architecture: dict[str, Any], task: Task | None) -> list[str]:
    """One line for each layer, one for each pooling between blocks, one for the classifier."""
    graph = Graph.of(architecture, task)
    lines = []
    for layer in graph.layers:
        if layer.number in graph.pools:
            lines.append(POOLING)
        lines.append(f"{graph.noun} {layer.number}: {kind(layer)}, {origin(layer, graph.noun)}")
    ends = graph.last.sources
    also = f" (their outputs feed no other {graph.noun})" if len(ends) > 1 else ""
    feed = named(ends, graph.noun)
    return [*lines, f"classifier: mean over all positions and a linear map, of {feed}{also}"]


def line(architecture: dict[str, Any]) -> str:
    """Every layer as ``height×width·filters←inputs``, for lists."""
    graph = Graph.of(architecture, None)
    pools = dict.fromkeys(graph.pools, "pool  ")
    return "  ".join(pools.get(layer.number, "") + _short(layer) for layer in graph.layers)


def kind(layer: Layer) -> str:
    """What the layer does."""
    decided = layer.decided
    match decided["type"]:
        case "ConvLayer":
            down, right = decided["stride_height"], decided["stride_width"]
            stride = "" if down == right == 1 else f", stride {down} × {right}"
            size = f"{decided['height']} × {decided['width']}"
            return f"{size} convolution, {decided['filters']} filters{stride}"
        case "Block":
            filters = f"{decided['filters']} filters of {decided['height']} × {decided['width']}"
            return f"{decided['layers']} dense layers, each {filters}"
        case "PoolLayer":
            size, stride = decided["size"], decided["stride"]
            text = f"{size} × {size} {decided['operation']} pooling"
            return text if stride == 1 else f"{text}, stride {stride}"
        case "BatchNormLayer":
            return f"batch normalisation, momentum {decided['momentum']:g}"
    return f"local contrast normalisation, {decided['window']} × {decided['window']}"


def origin(layer: Layer, noun: str = "layer") -> str:
    """Where the layer's input comes from."""
    if layer.repaired:
        return "of the image (no input was chosen)"
    return f"of {named(layer.join.sources, noun)}"


def named(sources: tuple[int, ...], noun: str = "layer") -> str:
    """Numbers of layers as text, three or more in a row as a range."""
    if sources == (IMAGE,):
        return "the image"
    runs: list[list[int]] = []
    for source in sources:
        if runs and source == runs[-1][-1] + 1:
            runs[-1].append(source)
        else:
            runs.append([source])
    parts = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(source) for source in run]
    if len(sources) == 1:
        return f"{noun} {parts[0]}"
    text = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return f"{noun}s {text}"


def _short(layer: Layer) -> str:
    sources = ",".join("image" if s == IMAGE else str(s) for s in layer.join.sources)
    return f"{_short_kind(layer.decided)}←{sources}"


def _short_kind(decided: Mapping[str, Any]) -> str:
    match decided["type"]:
        case "ConvLayer":
            down, right = decided["stride_height"], decided["stride_width"]
            stride = "" if down == right == 1 else f"/{down}×{right}"
            return f"{decided['height']}×{decided['width']}·{decided['filters']}{stride}"
        case "Block":
            convolution = f"{decided['height']}×{decided['width']}·{decided['filters']}"
            return f"{decided['layers']}({convolution})"
        case "PoolLayer":
            stride = "" if decided["stride"] == 1 else f"/{decided['stride']}"
            return f"{decided['operation']}{decided['size']}{stride}"
        case "BatchNormLayer":
            return f"norm{decided['momentum']:g}"
    return f"contrast{decided['window']}"
