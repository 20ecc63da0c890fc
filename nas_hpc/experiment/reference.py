"""Own code by name: ``package.module:name`` or ``path/to/file.py:name``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class OwnCodeError(ValueError):
    """A name does not lead to code; the message says where it ended."""


def is_reference(name: str) -> bool:
    """Whether the name is own code rather than something built in."""
    return ":" in name


def absolute(name: str, folder: Path) -> str:
    """The reference with its file, if it names one, made absolute from ``folder``."""
    place, colon, attribute = name.rpartition(":")
    return f"{(folder / place).resolve()}{colon}{attribute}" if place.endswith(".py") else name


def label(name: str) -> str:
    """What folders and tables call it: own code without its file or module."""
    return name.rpartition(":")[2]


def resolve(name: str) -> Any:
    """The object that the reference names.

    Raises:
        OwnCodeError: no such file, module or attribute, or its import raised.
    """
    place, _, attribute = name.rpartition(":")
    try:
        module = (
            _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        )
    except OwnCodeError:
        raise
    except Exception as error:
        raise OwnCodeError(f"{name}: importing {place} failed: {error!r}") from error
    if not hasattr(module, attribute):
        public = sorted(key for key in vars(module) if not key.startswith("_"))
        raise OwnCodeError(f"{name}: {place} has no {attribute!r}; it has {', '.join(public)}")
    return getattr(module, attribute)


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any], key: str) -> None:
    """Hold the arguments that are configured under ``key`` against what a function takes.

    Raises:
        OwnCodeError: one is unknown or missing; names the key and the allowed ones.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        allowed = ", ".join(signature.parameters) or "none"
        raise OwnCodeError(f"{key} = {dict(arguments)}: {error}; allowed: {allowed}") from None


def source_hash(name: str) -> str:
    """SHA-256 of the file that the reference names, as 64 hexadecimal digits."""
    place = name.rpartition(":")[0]
    file = place if place.endswith(".py") else importlib.import_module(place).__file__
    return hashlib.sha256(Path(str(file)).read_bytes()).hexdigest()


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise OwnCodeError(f"{path} does not exist")
    key = f"nas_hpc_own_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path)
        if spec is None or spec.loader is None:
            raise OwnCodeError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
    return sys.modules[key]
