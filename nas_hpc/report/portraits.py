"""Architectures for people: in words, and as a drawing, chosen by the ``type`` in their JSON.

A space of one's own registers how its architectures are shown, in the file that holds the space::

    register("Chain", Portrait(words, line, draw))

Any other type is shown as the tree of its JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas_hpc.report import cell_words, convnet_words, recurrent_words
from nas_hpc.report.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Portrait:
    """How architectures of one type are shown. Each function is given the JSON data.

    Attributes:
        words: lines of text, one for each part; is also given the task, if that is known.
        line: one short line, for tables.
        draw: a figure; is also given the task and a heading. Imports matplotlib when called.
    """

    words: Callable[[dict[str, Any], Task | None], list[str]]
    line: Callable[[dict[str, Any]], str]
    draw: Callable[[dict[str, Any], Task | None, str], Figure]


def register(kind: str, portrait: Portrait) -> None:
    """Show architectures whose class has this name in this way."""
    _PORTRAITS[kind] = portrait


def portrait_of(architecture: Any) -> Portrait:
    """How an architecture, given as JSON data, is shown."""
    kind = architecture.get("type", "") if isinstance(architecture, dict) else ""
    return _PORTRAITS.get(kind, PLAIN)


def tree(data: Any, indent: str = "", key: str = "") -> list[str]:
    """JSON data as indented lines; a list of numbers or strings stands on one line."""
    label = f"{indent}{key}: " if key else indent
    if isinstance(data, list) and not any(map(_nests, data)):
        return [label + (", ".join(map(str, data)) or "none")]
    if not _nests(data):
        return [f"{label}{data}"]
    parts = dict(enumerate(data)) if isinstance(data, list) else dict(data)
    kind = parts.pop("type", "")
    lines = [f"{label}{kind}".rstrip()] if key or kind else []
    inner = f"{indent}  " if lines else indent
    return lines + [line for name, part in parts.items() for line in tree(part, inner, str(name))]


def _nests(value: Any) -> bool:
    return isinstance(value, dict | list)


def _plain_line(data: Any) -> str:
    return "  ".join(line.strip() for line in tree(data))


def _draw_plain(data: Any, task: Task | None, heading: str) -> Figure:
    from nas_hpc.report.style import text_figure

    return text_figure(heading, tree(data))


def _draw_convnet(data: dict[str, Any], task: Task | None, heading: str) -> Figure:
    from nas_hpc.report.convnet_drawing import draw

    return draw(data, task, heading)


def _draw_cells(data: dict[str, Any], task: Task | None, heading: str) -> Figure:
    from nas_hpc.report.cell_figure import draw

    return draw(data, task, heading)


def _draw_recurrent(data: dict[str, Any], task: Task | None, heading: str) -> Figure:
    from nas_hpc.report.recurrent_drawing import draw

    return draw(data, task, heading)


def _draw_standard(data: dict[str, Any], task: Task | None, heading: str) -> Figure:
    from nas_hpc.report.recurrent_drawing import draw_standard

    return draw_standard(data, task, heading)


def _tuned_words(data: dict[str, Any], task: Task | None) -> list[str]:
    lines = portrait_of(data["architecture"]).words(data["architecture"], task)
    return [*lines, f"learning rate: {data['learning_rate']:g}"]


def _tuned_line(data: dict[str, Any]) -> str:
    line = portrait_of(data["architecture"]).line(data["architecture"])
    return f"{line}  learning rate {data['learning_rate']:g}"


def _draw_tuned(data: dict[str, Any], task: Task | None, heading: str) -> Figure:
    heading = f"{heading}, learning rate {data['learning_rate']:g}"
    return portrait_of(data["architecture"]).draw(data["architecture"], task, heading)


PLAIN = Portrait(lambda data, task: tree(data), _plain_line, _draw_plain)
CONVNET = Portrait(convnet_words.words, convnet_words.line, _draw_convnet)

_PORTRAITS = {
    "BlockNet": CONVNET,
    "ConvNet": CONVNET,
    "Tuned": Portrait(_tuned_words, _tuned_line, _draw_tuned),
    "CellNet": Portrait(cell_words.words, cell_words.line, _draw_cells),
    "RecurrentCell": Portrait(recurrent_words.words, recurrent_words.line, _draw_recurrent),
    "StandardCell": Portrait(
        recurrent_words.standard_words, recurrent_words.standard_line, _draw_standard
    ),
}
