"""What a network computes, as a list of plain torch calls, for images of one size.

The network is run once on a few images. Whatever its Python code decides by sizes on the way, such
as how much to pad, is thereby settled; the number of images stays open.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate

from nas_hpc.export import ExportError


class Traced(fx.Proxy):
    """A value on its way through the network, which knows what it is for the example images."""

    value: Any

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes; the first, the number of images, is traced further."""
        images = self.tracer.create_proxy("call_method", "size", (self, 0), {})
        return (images, *self.value.shape[1:])

    def size(self, dimension: int | None = None) -> Any:
        return self.shape if dimension is None else self.shape[dimension]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if isinstance(found, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return super().__getattr__(name) if callable(found) else found


class Tracer(fx.Tracer):
    """Follows a network down to torch's own modules and functions.

    Attributes:
        graph: the calls, once `trace` has been called.
        values: of every node, for the example.
        results: the path of the module that a node is the result of.
    """

    def __init__(self, example: Tensor) -> None:
        super().__init__()
        self.example = example
        self.values: dict[fx.Node, Any] = {}
        self.results: dict[fx.Node, str] = {}
        self._running = False

    def constants(self) -> dict[str, Tensor]:
        """Tensors by their paths that are used, but not by a module of torch's own."""
        paths = {str(node.target) for node in self.graph.nodes if node.op == "get_attr"}
        return {path: operator.attrgetter(path)(self.root).detach() for path in sorted(paths)}

    def proxy(self, node: fx.Node) -> Traced:
        return Traced(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *others: Any,
        **more: Any,
    ) -> Traced:
        proxy = super().create_proxy(kind, target, args, kwargs, *others, **more)
        assert isinstance(proxy, Traced)
        self._running = True
        try:
            proxy.value = self._run(kind, target, _values(args), _values(kwargs))
        finally:
            self._running = False
        self.values[proxy.node] = proxy.value
        return proxy

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if self._running:
            return forward(*args, **kwargs)
        result = super().call_module(m, forward, args, kwargs)
        if isinstance(result, Traced) and result.node.op != "placeholder":
            self.results[result.node] = self.path_of_module(m)
        return result

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if self._running:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(obj.value)

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        return iter([obj[i] for i in range(len(obj.value))])  # type: ignore[index]

    def _run(self, kind: str, target: Any, args: Any, kwargs: Any) -> Any:
        if kind == "placeholder":
            return self.example
        if kind == "call_function":
            return target(*args, **kwargs)
        if kind == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        found = operator.attrgetter(target)(self.root)
        return found(*args, **kwargs) if kind == "call_module" else found


def _values(args: Any) -> Any:
    return map_aggregate(args, lambda part: part.value if isinstance(part, Traced) else part)


@torch.no_grad()
def trace(network: nn.Module, example: Tensor) -> Tracer:
    """Follow a network in evaluation mode.

    Args:
        network: of one argument, images, to one tensor.
        example: images [n, channels, height, width], two or more.

    Raises:
        ExportError: its code does what cannot be followed.
    """
    tracer = Tracer(example)
    try:
        tracer.graph = tracer.trace(network.eval())
    except (fx.proxy.TraceError, TypeError, RuntimeError, AttributeError) as error:
        raise ExportError(
            f"{type(network).__name__} cannot be written as plain torch calls: {error}"
        ) from error
    for node in reversed(tracer.graph.nodes):  # what was only asked for its size
        if not node.users and not isinstance(tracer.values.get(node, example), Tensor):
            tracer.graph.erase_node(node)
    return tracer
