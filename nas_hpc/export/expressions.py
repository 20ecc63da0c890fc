"""Python expressions of traced calls and their arguments."""

from __future__ import annotations

import builtins
import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

from nas_hpc.export import ExportError

INFIX = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.matmul: "@",
    operator.pow: "**",
    operator.eq: "==",
    operator.ne: "!=",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.and_: "&",
    operator.or_: "|",
}
PREFIX = {operator.neg: "-", operator.invert: "~"}
Names = Mapping[fx.Node, str]
"""Of the variables that hold what was computed before."""


def expression(node: fx.Node, names: Names) -> str:
    """The call of a module, method or function that a node stands for.

    Raises:
        ExportError: a function has no public name in torch.
    """
    target: Any = node.target
    if target is operator.getitem:
        return f"{names[node.args[0]]}[{_index(node.args[1], names)}]"  # type: ignore[index]
    if target is builtins.getattr:
        return f"{names[node.args[0]]}.{node.args[1]}"  # type: ignore[index]
    args = [literal(arg, names) for arg in node.args]
    if node.op == "call_module":
        return call(member(target), args, node.kwargs, names)
    if node.op == "call_method":
        return call(f"{args[0]}.{target}", args[1:], node.kwargs, names)
    if target in INFIX:
        return f"{args[0]} {INFIX[target]} {args[1]}"
    if target in PREFIX:
        return f"{PREFIX[target]}{args[0]}"
    return call(_public(target), args, differing(_signature(target), node.kwargs), names)


def call(
    called: str, args: Iterable[str], kwargs: Mapping[str, Any], names: Names | None = None
) -> str:
    """The source of a call; positional arguments are source already."""
    named = (f"{name}={literal(value, names)}" for name, value in kwargs.items())
    return f"{called}({', '.join([*args, *named])})"


def differing(
    signature: Mapping[str, inspect.Parameter], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Of the arguments given those that are not the defaults."""
    return {
        name: value
        for name, value in given.items()
        if name not in signature or not _same(signature[name].default, value)
    }


def literal(value: Any, names: Names | None = None) -> str:
    """The source of an argument.

    Raises:
        ExportError: it is no tensor of the network, number, text or the like.
    """
    if isinstance(value, fx.Node):
        return (names or {})[value]
    if isinstance(value, list | tuple):
        inner = ", ".join(literal(part, names) for part in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float) and not abs(value) < float("inf"):
        return f'float("{value}")'
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, bool | int | float | torch.dtype | torch.memory_format):
        return repr(value)
    raise ExportError(f"{value!r} cannot be written as an argument of a layer")


def member(path: str) -> str:
    """The source of a module's place in the network; of the network itself for no path.

    Raises:
        ExportError: it would be no name.
    """
    name = path.replace(".", "_")
    if name and not name.isidentifier():
        raise ExportError(f"the network's module {path!r} must have a name as variables have")
    return f"self.{name}" if name else "self"


def _same(default: Any, value: Any) -> bool:
    """Whether a value is the default; a pair of ones, say, is what a one becomes."""
    if isinstance(value, tuple) and isinstance(default, int) and not isinstance(default, bool):
        return all(part == default for part in value)
    return type(default) is type(value) and bool(default == value)


def _index(value: Any, names: Names) -> str:
    if isinstance(value, tuple):
        return ", ".join(_index(part, names) for part in value)
    if isinstance(value, slice):
        ends = [value.start, value.stop, *([] if value.step is None else [value.step])]
        return ":".join("" if end is None else literal(end, names) for end in ends)
    return "..." if value is Ellipsis else literal(value, names)


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    name = getattr(function, "__name__", "")
    try:  # F.max_pool2d and its like choose between two functions, of which this is the usual one
        return inspect.signature(getattr(F, f"_{name}", function)).parameters
    except ValueError:  # many built-in functions have none
        return {}


def _public(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    for namespace, prefix in ((F, "F"), (torch, "torch")):
        if getattr(namespace, name, None) is function:
            return f"{prefix}.{name}"
    raise ExportError(f"{function!r} has no public name in torch")
