"""Python code of a traced network: a module of torch's own layers, each with its sizes."""

from __future__ import annotations

import inspect
import keyword
import textwrap
from collections.abc import Iterable

from torch import Tensor, fx, nn

from nas_hpc.export import ExportError
from nas_hpc.export.expressions import call, differing, expression, literal, member
from nas_hpc.export.tracing import Tracer

WIDTH = 88
"""Of a line, without its indentation."""
NOT_ARGUMENTS = {"device", "dtype"}


def network_class(tracer: Tracer) -> str:
    """The source of a class ``Network`` with the outputs of the traced network.

    Its state dictionary has the other's tensors, `flat_name` tells under which names.

    Raises:
        ExportError: the network has or calls what has no public name in torch.
    """
    return "\n".join(
        [
            "class Network(nn.Module):",
            '    """The network, layer by layer."""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
            *_indented(_constructor(tracer), 8),
            "",
            "    def forward(self, images: Tensor) -> Tensor:",
            '        """Logits [n, CLASSES] of images [n, *INPUT]; other sizes stand without n."""',
            "        if images.shape[1:] != INPUT:",
            '            raise ValueError(f"images must be [n, *{INPUT}], not {[*images.shape]}")',
            *_indented(_forward(tracer), 8),
        ]
    )


def flat_name(name: str) -> str:
    """The name of a tensor in the class: ``a_b.weight`` is the ``weight`` of the module ``a.b``."""
    return name.replace(".", "_", name.count(".") - 1)


def _constructor(tracer: Tracer) -> list[str]:
    """One statement for each of torch's modules, and for each tensor that belongs to none."""
    lines = []
    called = {node.target for node in tracer.graph.nodes if node.op == "call_module"}
    for path, module in tracer.root.named_modules():
        if path in called:
            lines += _wrapped(f"{member(path)} = {_module(module)}")
    parameters = dict(tracer.root.named_parameters())
    constants = tracer.constants()
    lines += [f"{member(path)} = nn.Module()" for path in sorted({*map(_parent, constants)} - {""})]
    for path, tensor in constants.items():
        kind, made = "buffer", f"torch.empty({literal(tuple(tensor.shape))}, dtype={tensor.dtype})"
        if path in parameters:
            kind, made = "parameter", f"nn.Parameter({made})"
        name = path.rpartition(".")[2]
        lines += _wrapped(f'{member(_parent(path))}.register_{kind}("{name}", {made})')
    return lines


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _module(module: nn.Module) -> str:
    """The call that makes such a module: what its constructor was given is among its attributes."""
    kind = type(module)
    if getattr(nn, kind.__name__, None) is not kind:
        raise ExportError(f"{kind.__module__}.{kind.__name__} is no layer with a name in torch.nn")
    signature = {
        name: parameter
        for name, parameter in inspect.signature(kind).parameters.items()
        if name not in NOT_ARGUMENTS and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }
    given = {name: getattr(module, name) for name in signature}
    if "bias" in given:
        given["bias"] = given["bias"] is not None
    required = [
        literal(given.pop(name))
        for name, parameter in signature.items()
        if parameter.default is inspect.Parameter.empty
    ]
    return call(f"nn.{kind.__name__}", required, differing(signature, given))


def _forward(tracer: Tracer) -> list[str]:
    """One statement for each call, with the size of what it gives where that is another."""
    names: dict[fx.Node, str] = {}
    lines: list[str] = []
    for node in tracer.graph.nodes:
        if node.op == "placeholder":
            names[node] = "images"
        elif node.op == "get_attr":
            parent, _, name = str(node.target).rpartition(".")
            names[node] = f"{member(parent)}.{name}"
        elif node.op == "output":
            lines.append(f"return {literal(node.args[0], names)}")
        else:
            path = tracer.results.get(node, "")
            made = expression(node, names)
            if list(node.users) == [node.next] and node.next.op != "output":
                names[node] = "x"
            else:
                names[node] = _unused(path.replace(".", "_") or node.name, names.values())
            lines += _wrapped(f"{names[node]} = {made}", _new_size(node, tracer))
            if path and not tracer.is_leaf_module(tracer.root.get_submodule(path), path):
                lines.append("")
    return lines


def _new_size(node: fx.Node, tracer: Tracer) -> str:
    """The size of one image's value, unless it is that of the value which it comes from."""
    value, *before = (tracer.values.get(n) for n in (node, *node.all_input_nodes[:1]))
    if not isinstance(value, Tensor):
        return ""
    if before and isinstance(before[0], Tensor) and before[0].shape == value.shape:
        return ""
    return " x ".join(map(str, value.shape[1:]))


def _wrapped(line: str, comment: str = "") -> list[str]:
    """The line with its comment; if it is too long, with the arguments of its call below it."""
    comment = f"  # {comment}" if comment else ""
    if len(line) + len(comment) <= WIDTH or not line.endswith(")"):
        return [line + comment]
    called, _, rest = line.partition("(")
    inner = textwrap.wrap(rest[:-1], WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{called}({comment}", *_indented(inner, 4), ")"]


def _unused(name: str, taken: Iterable[str]) -> str:
    taken = {*taken, "F", "Tensor", "nn", "torch", "images", "self", "x"}
    candidates = (name, *(f"{name}_{n}" for n in range(1, len(taken) + 2)))
    return next(c for c in candidates if c not in taken and not keyword.iskeyword(c))


def _indented(lines: Iterable[str], columns: int) -> list[str]:
    return [textwrap.indent(line, " " * columns) for line in lines]
