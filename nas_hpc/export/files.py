"""The files of an exported network: ``model.pt``, ``model.py`` and ``model.onnx``."""

from __future__ import annotations

import importlib.util
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from nas_hpc.children.progress import save_durably
from nas_hpc.export import ExportError
from nas_hpc.export.source import flat_name, network_class
from nas_hpc.export.text import module_text
from nas_hpc.export.tracing import trace
from nas_hpc.export.winner import Winner
from nas_hpc.store.durable import write_durably

TOLERANCE = 1e-4
"""Greatest difference of logits to the trained network's, as a share of their greatest value."""
NEEDED = ("onnx", "onnxscript")


def export(winner: Winner, folder: Path) -> list[Path]:
    """Write the files; ``model.onnx`` last, so that the others are there whatever becomes of it.

    The written module is loaded again, and gives the outputs of the trained network, or is refused.

    Returns:
        The files.

    Raises:
        ExportError: the network cannot be written so, or packages for ONNX are missing.
        DiskFull: there is no room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights, code, onnx = (folder / f"model.{kind}" for kind in ("pt", "py", "onnx"))
    traced = trace(winner.network, winner.images)
    text = module_text(network_class(traced), winner)
    write_durably(code, lambda temporary: _put(temporary, text))
    module = _imported(code)
    state = winner.network.state_dict() | traced.constants()
    needed = module.Network().state_dict()
    state = {name: value for name, value in state.items() if flat_name(name) in needed}
    save_durably({"state": state, **winner.facts}, weights)
    network = module.load()
    _check(network, winner, code)
    prepared = module.prepare(winner.raw) if winner.preparation else winner.raw
    if not torch.allclose(prepared, winner.images, atol=TOLERANCE):
        raise ExportError(f"{code}: its function prepare does not do what was done for scoring")
    write_onnx(network, winner.images, onnx)
    return [weights, code, onnx]


def write_onnx(network: nn.Module, images: Tensor, file: Path) -> None:
    """Write a network as ONNX: ``images`` [n, channels, height, width] to ``logits``, for any n.

    Raises:
        ExportError: packages that this needs are not installed.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ExportError(
            f"{file} is not written (the other files are): pip install {' '.join(missing)}"
        )

    def write(temporary: Path) -> None:
        torch.onnx.export(
            network,
            (images,),
            temporary,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )

    write_durably(file, write)


@torch.no_grad()
def _check(network: nn.Module, winner: Winner, code: Path) -> None:
    for images in (winner.images, winner.images[:1], winner.images.flip(3)):
        ours, theirs = winner.network(images), network(images)
        if ours.shape != theirs.shape or (ours - theirs).abs().max() > TOLERANCE * ours.abs().max():
            raise ExportError(
                f"{code} does not compute what the trained {type(winner.network).__name__} does: "
                f"does the latter decide by values or by the number of images what it computes?"
            )


def _imported(code: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported_model", code)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
