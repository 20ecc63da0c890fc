"""Changes to a found architecture that show what its parts contribute (paper, section 4.1).

The paper trains its best networks again with 40 more filters in every layer, with all skip
connections removed, and densely connected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nas_hpc.spaces.decisions import SpaceError
from nas_hpc.spaces.layers import Block, BlockNet, ConvLayer, ConvNet
from nas_hpc.spaces.learning_rate import Tuned

MORE_FILTERS = 40
Parts = tuple[Any, ...]
"""Layers or blocks, from the image on; each has ``inputs``."""


def varied(architecture: Any, variant: str | None) -> Any:
    """The architecture, changed.

    Args:
        architecture: of layers or blocks.
        variant: ``more-filters``; ``no-skips``: each part is fed by the one before it alone;
            ``dense``: by all before it, as far as it takes several inputs. None: nothing changes.

    Raises:
        SpaceError: the variant is not known, or not of this type of architecture.
    """
    if variant is None:
        return architecture
    if variant not in _CHANGES:
        raise SpaceError(f"variant {variant!r}: allowed: {', '.join(_CHANGES)}")
    change = _CHANGES[variant]
    match architecture:
        case Tuned():
            return replace(architecture, architecture=varied(architecture.architecture, variant))
        case ConvNet():
            return replace(architecture, layers=change(architecture.layers))
        case BlockNet():
            return replace(architecture, blocks=change(architecture.blocks))
    raise SpaceError(f"variant {variant!r} is not known of a {type(architecture).__name__}")


def _more_filters(parts: Parts) -> Parts:
    return tuple(
        replace(part, filters=part.filters + MORE_FILTERS) if _convolves(part) else part
        for part in parts
    )


def _no_skips(parts: Parts) -> Parts:
    return tuple(replace(part, inputs=(i - 1,) if i else ()) for i, part in enumerate(parts))


def _dense(parts: Parts) -> Parts:
    return tuple(
        replace(part, inputs=tuple(range(i))) if _convolves(part) else part
        for i, part in enumerate(parts)
    )


def _convolves(part: Any) -> bool:
    """Whether it has filters, and takes any number of inputs."""
    return isinstance(part, ConvLayer | Block)


_CHANGES: dict[str, Callable[[Parts], Parts]] = {
    "more-filters": _more_filters,
    "no-skips": _no_skips,
    "dense": _dense,
}
