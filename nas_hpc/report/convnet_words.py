"""Convolutional networks in words."""

from __future__ import annotations

from typing import Any

from nas_hpc.report.convnet_graph import IMAGE, Graph, Layer
from nas_hpc.report.task import Task


def words(architecture: dict[str, Any], task: Task | None) -> list[str]:
    """One line for each layer and one for the classifier."""
    graph = Graph.of(architecture, task)
    lines = [f"layer {layer.number}: {kind(layer)}, {origin(layer)}" for layer in graph.layers]
    ends = graph.last.sources
    also = " (their outputs feed no other layer)" if len(ends) > 1 else ""
    return [*lines, f"classifier: mean over all positions and a linear map, of {named(ends)}{also}"]


def line(architecture: dict[str, Any]) -> str:
    """Every layer as ``height×width·filters←inputs``, for lists."""
    return "  ".join(_short(layer) for layer in Graph.of(architecture, None).layers)


def kind(layer: Layer) -> str:
    """What the layer does."""
    text = f"{layer.height} × {layer.width} convolution, {layer.filters} filters"
    down, right = layer.strides
    return text if down == right == 1 else f"{text}, stride {down} × {right}"


def origin(layer: Layer) -> str:
    """Where the layer's input comes from."""
    if layer.repaired:
        return "of the image (no input was chosen)"
    return f"of {named(layer.join.sources)}"


def named(sources: tuple[int, ...]) -> str:
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
        return f"layer {parts[0]}"
    text = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return f"layers {text}"


def _short(layer: Layer) -> str:
    down, right = layer.strides
    stride = "" if down == right == 1 else f"/{down}×{right}"
    sources = ",".join("image" if s == IMAGE else str(s) for s in layer.join.sources)
    return f"{layer.height}×{layer.width}·{layer.filters}{stride}←{sources}"
