"""Checks of a space's options, with messages that name the option and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from nas_hpc.spaces.decisions import SpaceError


def check_number(space: str, name: str, value: object) -> None:
    """Raise a `SpaceError` unless the option is a positive whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpaceError(f"{space}: {name} must be a positive number, got {value!r}")


def check_known(space: str, name: str, values: Sequence[str], known: Sequence[str]) -> None:
    """Raise a `SpaceError` unless the option's values are some of those known, at least one."""
    unknown = [value for value in values if value not in known]
    if unknown or not values:
        raise SpaceError(f"{space}: {name} must be some of {list(known)}, got {list(values)}")
