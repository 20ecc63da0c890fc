"""The decisions about one convolution, which all convolutional spaces share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from nas_hpc.spaces.decisions import Choice, Kind, SpaceError

Convolution = tuple[int, int, int, int, int]
"""Filter height and width in pixels, number of filters, stride height and width in pixels."""


class Convolutions:
    """Filter height, filter width, number of filters and, if there is a choice, two strides.

    Args:
        space: name of the space, for messages.
        heights, widths: of the filters, in pixels, odd.
        filters: numbers of filters.
        strides: (1,) fixes them and asks nothing.

    Attributes:
        kinds: of the decisions.

    Raises:
        SpaceError: an option is not a positive whole number, or a filter's side is even.
    """

    def __init__(
        self,
        space: str,
        heights: Sequence[int],
        widths: Sequence[int],
        filters: Sequence[int],
        strides: Sequence[int] = (1,),
    ) -> None:
        check_odd(space, heights=heights, widths=widths)
        check_positive(space, filters=filters, strides=strides)
        self._height = Kind("filter height", tuple(heights))
        self._width = Kind("filter width", tuple(widths))
        self._number = Kind("filters", tuple(filters))
        self._down = Kind("stride height", tuple(strides))
        self._right = Kind("stride width", tuple(strides))
        self._strided = len(strides) > 1
        self.kinds: tuple[Kind, ...] = (self._height, self._width, self._number)
        if self._strided:
            self.kinds += (self._down, self._right)

    def decide(self, at: str) -> Generator[Any, Any, Convolution]:
        """Ask for one convolution; ``at`` begins the decisions' paths."""
        height = yield Choice(self._height, f"{at}/filter height")
        width = yield Choice(self._width, f"{at}/filter width")
        number = yield Choice(self._number, f"{at}/filters")
        down, right = self._down.options[0], self._right.options[0]
        if self._strided:
            down = yield Choice(self._down, f"{at}/stride height")
            right = yield Choice(self._right, f"{at}/stride width")
        return height, width, number, down, right


def check_positive(space: str, **options: Sequence[int]) -> None:
    """Raise a `SpaceError` unless the values of each option are positive whole numbers."""
    for name, values in options.items():
        if any(not isinstance(v, int) or v < 1 for v in values):
            raise SpaceError(f"{space}: {name} must be positive numbers, got {list(values)}")


def check_odd(space: str, **options: Sequence[int]) -> None:
    """Raise a `SpaceError` unless the values of each option are odd positive numbers."""
    for name, values in options.items():
        if any(not isinstance(v, int) or v < 1 or v % 2 == 0 for v in values):
            raise SpaceError(f"{space}: {name} must be odd positive numbers, got {list(values)}")


def check_depth(space: str, depth: int) -> None:
    """Raise a `SpaceError` unless the depth is a positive whole number."""
    if not isinstance(depth, int) or depth < 1:
        raise SpaceError(f"{space}: depth must be a positive number, got {depth!r}")
