"""The text of an exported module around its network: what it is, and how to load it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from nas_hpc.export.winner import Winner
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.task import Task

TEMPLATE = '''"""{heading}

{about}

Layers:

{words}

The network takes images float32 [n, {sizes}] (channels, height, width), of the data
{data}.
{given}
{channels}

    from model import {names}

    network = load()            # with the weights in model.pt beside this file, for evaluation
    logits = network({argument})
    classes = logits.argmax(1)  # from 0 to {last}

Needs torch alone. Written by {versions}.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUT = ({sizes})
"""Channels, height and width of an image."""
CLASSES = {classes}


{parts}


def load(path: str | Path = Path(__file__).with_name("model.pt")) -> Network:
    """The trained network, for evaluation, on the CPU."""
    state = torch.load(path, map_location="cpu", weights_only=True)["state"]
    network = Network().to(memory_format=torch.channels_last)
    network.load_state_dict(
        {{name.replace(".", "_", name.count(".") - 1): value for name, value in state.items()}}
    )
    return network.eval()
'''


def module_text(network: str, winner: Winner) -> str:
    """The module's source.

    Args:
        network: source of its class ``Network``.
        winner: what it is.
    """
    facts = winner.facts
    channels, height, width = facts["input"]
    task = Task(channels, height, width, facts["classes"])
    words = portrait_of(facts["architecture"]).words(facts["architecture"], task)
    title = facts["title"] or facts["experiment"]
    prepared = bool(winner.preparation)
    given = (
        "The function prepare makes them as they were when the network was scored:"
        if prepared
        else "They must be prepared as that data set prepares them:"
    )
    return TEMPLATE.format(
        heading=_docstring(f"The network that an architecture search has found: {title}."),
        about=_docstring(textwrap.fill(_about(facts), 98)),
        words=_docstring("\n".join(f"- {line}" for line in words)),
        data=_docstring(f"{facts['data']['name']} {json.dumps(facts['data']['options'])}"),
        given=given,
        channels=_channels(facts["input_statistics"]),
        names="load, prepare" if prepared else "load",
        argument="prepare(images)" if prepared else "images",
        sizes=f"{channels}, {height}, {width}",
        classes=facts["classes"],
        last=facts["classes"] - 1,
        versions=facts["versions"],
        parts="\n\n\n".join(filter(None, [winner.preparation, network])),
    )


def _about(facts: dict[str, Any]) -> str:
    changed = f"changed to {facts['variant']}, " if facts["variant"] else ""
    seeds = ", ".join(f"{accuracy:.4f}" for accuracy in facts["test_accuracy_of_all_seeds"])
    return (
        f"Trial {facts['trial']} of the search {facts['experiment']!r}, {changed}"
        f"{facts['parameters']:,} parameters. Finally trained: validation accuracy "
        f"{facts['validation_accuracy']:.4f}, test accuracy {facts['test_accuracy']:.4f}; "
        f"test accuracies of all seeds of the final training: {seeds}."
    )


def _channels(statistics: list[dict[str, float]]) -> str:
    return "\n".join(
        f"- channel {i}: mean {s['mean']:.4g}, standard deviation {s['sd']:.4g}, "
        f"from {s['min']:.4g} to {s['max']:.4g}"
        for i, s in enumerate(statistics)
    )


def _docstring(text: str) -> str:
    """Text that can stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"' * 3, "'" * 3)
