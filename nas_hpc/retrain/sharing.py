"""Variants of a language model, which change its training; those of a classifier change its layers.

The paper trains its best cell again with embeddings that are also the last layer's weights, once
with the saved parameters left out (32 M become 25 M), once in a larger model (54 M).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_hpc.retrain.folder import RetrainError

LARGER = 54 / 32
"""Parameters of the large model, of those that were chosen."""


def shared(chosen: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """What a variant changes in the training of a language model.

    Args:
        chosen: as `selection.choose` publishes it.
        variant: ``shared-embeddings``, of the same hidden size, or ``large-shared-embeddings``.

    Returns:
        Keys of ``training`` with their new values; none if the variant is one of architectures.

    Raises:
        RetrainError: the child has not said what the variant needs to know.
    """
    sharing = {"shared_embeddings": True, "embedding": None}
    match variant:
        case "shared-embeddings":
            return sharing | {"hidden": _said(chosen, "hidden"), "parameters": None}
        case "large-shared-embeddings":
            parameters = chosen["training"]["parameters"] or _said(chosen, "parameters")
            return sharing | {"hidden": None, "parameters": round(LARGER * parameters)}
    return {}


def _said(chosen: Mapping[str, Any], metric: str) -> int:
    value = chosen.get(metric)
    if value is None:
        raise RetrainError(f"retrain.variants: the child must return a metric {metric}")
    return int(value)
