"""Architectures as plain data: their JSON form, their key, and the fingerprint of a space."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from nas_hpc.spaces.decisions import Arguments, Space, SpaceError
from nas_hpc.spaces.walk import draw

FINGERPRINT_WALKS = 32


def describe(architecture: Any) -> Any:
    """The architecture as JSON data: each dataclass is an object with its class under ``type``.

    Raises:
        SpaceError: a part is neither a dataclass nor a JSON value nor a sequence of such.
    """
    if is_dataclass(architecture) and not isinstance(architecture, type):
        values = {f.name: describe(getattr(architecture, f.name)) for f in fields(architecture)}
        return {"type": type(architecture).__name__} | values
    if isinstance(architecture, dict):
        return {str(key): describe(value) for key, value in architecture.items()}
    if isinstance(architecture, tuple | list):
        return [describe(part) for part in architecture]
    if architecture is None or isinstance(architecture, bool | int | float | str):
        return architecture
    raise SpaceError(
        f"an architecture is made of dataclasses, tuples, numbers and strings, "
        f"not of {type(architecture).__name__}: {architecture!r}"
    )


def canonical(data: Any) -> str:
    """The one JSON text of equal data: sorted keys, no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def fingerprint(space: Space, arguments: Arguments) -> str:
    """What a space does, as a digest: its kinds, and where 32 fixed random walks lead.

    Comments and refactorings keep it; another option, path, order or decoding changes it.
    """
    walks = (draw(space, arguments, np.random.default_rng(i)) for i in range(FINGERPRINT_WALKS))
    behaviour = [[walk.tokens, describe(walk.architecture)] for walk in walks]
    return digest([space.name, [[k.name, k.options] for k in space.kinds], behaviour])
