"""Architectures for people: in words, and as a drawing, chosen by the ``type`` in their JSON.

A space of one's own registers how its architectures are shown, in the file that holds the space::

    register("Chain", Portrait(words, draw))

Any other type is shown as the tree of its JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas_hpc.report import convnet_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Task:
    """What the network is for, as far as it is known; numbers for a drawing.

    Attributes:
        channels, height, width: of an image.
        classes: that the classifier tells apart.
    """

    channels: int
    height: int
    width: int
    classes: int


Words = Callable[[dict[str, Any]], list[str]]
"""The architecture in words, a line for each part."""

Draw = Callable[[dict[str, Any], Task | None], "Figure"]
"""The architecture as a figure; may import matplotlib when it is called."""


@dataclass(frozen=True)
class Portrait:
    """How architectures of one type are shown.

    Attributes:
        words: see `Words`.
        line: the same in one short line, for tables.
        draw: see `Draw`.
    """

    words: Words
    line: Callable[[dict[str, Any]], str]
    draw: Draw


def register(kind: str, portrait: Portrait) -> None:
    """Show architectures whose class has this name in this way."""
    _PORTRAITS[kind] = portrait


def portrait_of(architecture: Any) -> Portrait:
    """How an architecture, given as JSON data, is shown."""
    kind = architecture.get("type", "") if isinstance(architecture, dict) else ""
    return _PORTRAITS.get(kind, PLAIN)


def tree(data: Any, indent: str = "") -> list[str]:
    """JSON data as indented lines, short parts on one line."""
    if isinstance(data, dict):
        name = data.get("type")
        lines = [f"{indent}{name}"] if name else []
        inner = indent + "  " if name else indent
        for key, value in data.items():
            if key != "type":
                lines += _entry(key, value, inner)
        return lines
    if isinstance(data, list):
        lines = []
        for i, value in enumerate(data):
            lines += _entry(str(i), value, indent)
        return lines
    return [f"{indent}{data}"]


def _entry(key: str, value: Any, indent: str) -> list[str]:
    if _is_short(value):
        text = ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
        return [f"{indent}{key}: {text}"]
    return [f"{indent}{key}:", *tree(value, indent + "  ")]


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(part, dict | list) for part in value)
    return not isinstance(value, dict)
