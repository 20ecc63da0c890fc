"""The exported files against the trained network, in programs that have torch alone."""

import ast
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from nas_hpc.children import load_search, load_test
from nas_hpc.children.images import Images
from nas_hpc.children.network import build, parameters
from nas_hpc.export import ExportError, files
from nas_hpc.export.files import export
from nas_hpc.export.winner import winner
from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.retrain.steps import final, grid_point, rescore, variant
from nas_hpc.spaces import load_space, replay
from tests.retrain.finished import experiment_in, folder_of, searched

SPACE = {
    "options": {"heights": [1, 3], "widths": [1, 3], "filters": [4, 6], "strides": [1, 2]},
    "arguments": {"depth": 5},
}
ONE = {
    "candidates": 1,
    "rescore_seeds": 1,
    "top": 1,
    "epochs": 4,
    "grid": {"learning_rate": [0.1], "batch_norm_epsilon": [1e-3], "decay_at": [[0.5]]},
}
ALONE = """
import sys


class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("nas_hpc", "onnx", "torchvision"):
            raise ImportError(name)


sys.meta_path.insert(0, Nothing())
import torch

torch.set_num_threads(1)
import model

pixels = torch.load("pixels.pt")
with torch.no_grad():
    logits = model.load()(model.prepare(pixels) if hasattr(model, "prepare") else pixels)
torch.save(logits, "logits.pt")
assert not [name for name in sys.modules if name.startswith("nas_hpc")]
"""


def finished(place: Path, variants=(), **changes):
    """An experiment whose final training is done, but for its variants."""
    grid = ONE["grid"] | {"weight_decay": [1e-4]}
    changes["retrain"] = ONE | {"grid": grid, "variants": [*variants]}
    experiment = searched(experiment_in(place, space=SPACE, **changes))
    candidates(experiment)
    rescore(experiment, 0)
    shortlist(experiment)
    grid_point(experiment, 0, 0)
    choose(experiment)
    finals = [final(experiment, k) for k in range(3)]
    return experiment, finals


@pytest.fixture(scope="module")
def bytes_(tmp_path_factory):
    """An experiment on bytes, which are whitened and enlarged, and its exported files."""
    place = tmp_path_factory.mktemp("bytes")
    experiment, finals = finished(
        place,
        data={"name": f"{Path(__file__).parent / 'images.py'}:pictures"},
        training={"augmentation": "upsample-flip"},
    )
    export(winner(experiment), place / "best")
    return experiment, finals, place / "best"


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    """An experiment on floats, which the network takes as they are."""
    place = tmp_path_factory.mktemp("floats")
    experiment, finals = finished(place)
    export(winner(experiment), place / "best")
    return experiment, finals, place / "best"


def trained(experiment, number):
    """The network of a final training, built without the exporter, and what it is scored on."""
    folder = folder_of(experiment)
    chosen = json.loads(folder.chosen.read_text())
    tokens = tuple((path, token) for path, token in chosen["tokens"])
    architecture = replay(load_space(experiment), chosen["arguments"], tokens)
    test = load_test(folder.data)
    network = build(architecture, test.inputs.shape[1], 2, 1e-3)
    network.load_state_dict(torch.load(folder.weights(folder.final(number)), weights_only=True))
    images = Images(test, "cpu", experiment.training.augmentation)
    return network.eval(), next(images.in_order())[0], test


def best(finals):
    return max(range(3), key=lambda k: finals[k]["reward"])


@pytest.mark.parametrize("kind", ["bytes_", "floats"])
def test_the_module_gives_the_trained_networks_outputs_where_there_is_torch_alone(
    kind, request, tmp_path
):
    experiment, finals, folder = request.getfixturevalue(kind)
    network, images, test = trained(experiment, best(finals))
    for name in ("model.py", "model.pt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    torch.save(torch.from_numpy(test.inputs), tmp_path / "pixels.pt")
    (tmp_path / "alone.py").write_text(ALONE)
    environment = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
    subprocess.run([sys.executable, "alone.py"], cwd=tmp_path, env=environment, check=True)
    logits = torch.load(tmp_path / "logits.pt")
    with torch.no_grad():
        torch.testing.assert_close(logits, network(images), atol=1e-6, rtol=1e-6)
    accuracy = (logits.argmax(1).numpy() == test.labels).mean()
    assert accuracy == finals[best(finals)]["test_accuracy"]


@pytest.mark.parametrize("kind", ["bytes_", "floats"])
def test_onnx_gives_the_same_outputs_for_any_number_of_images(kind, request):
    experiment, finals, folder = request.getfixturevalue(kind)
    network, images, _ = trained(experiment, best(finals))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (given,) = session.get_inputs()
    assert given.name == "images" and given.shape == ["n", *images.shape[1:]]
    for n in (1, 3, 64):
        (logits,) = session.run(["logits"], {"images": images[:n].numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(logits, network(images[:n]), atol=1e-4)


def test_the_weights_come_with_all_that_is_known_of_the_network(floats):
    experiment, finals, folder = floats
    saved = torch.load(folder / "model.pt", weights_only=True)
    number = best(finals)
    network, _, _ = trained(experiment, number)
    tokens = tuple((path, token) for path, token in saved["tokens"])
    architecture = replay(load_space(experiment), saved["arguments"], tokens)
    again = build(architecture, 1, saved["classes"], saved["training"]["batch_norm_epsilon"])
    again.load_state_dict(saved["state"])
    for ours, theirs in zip(again.parameters(), network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert saved["parameters"] == parameters(network)
    assert saved["space"] == {"name": "convnet", "options": SPACE["options"]}
    assert saved["test_accuracy"] == finals[number]["test_accuracy"]
    assert saved["validation_accuracy"] == finals[number]["validation_accuracy"]
    assert saved["test_accuracy_of_all_seeds"] == [found["test_accuracy"] for found in finals]


def test_the_module_says_what_it_takes(bytes_):
    experiment, _, folder = bytes_
    module = ast.parse((folder / "model.py").read_text())
    about = ast.get_docstring(module)
    assert "float32 [n, 3, 8, 8]" in about
    # Bytes are whitened: each image has a mean of 0 and a variance of 1, before it is enlarged.
    seen = next(Images(load_search(folder_of(experiment).data).validation, "cpu").in_order())[0]
    assert abs(seen.mean()) < 1e-6 and abs(seen.std() - 1) < 0.01
    imported = {
        name
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported == {"__future__", "pathlib", "torch", "torch.nn.functional"}


def test_the_final_training_is_taken_by_validation_unless_its_seed_is_given(floats):
    experiment, finals, _ = floats
    assert winner(experiment).facts["seed"] == finals[best(finals)]["seed"]
    for number, found in enumerate(finals):
        facts = winner(experiment, number).facts
        assert (facts["seed"], facts["test_accuracy"]) == (found["seed"], found["test_accuracy"])
    with pytest.raises(
        ExportError, match=r"seed 3 has no trained network; those that have: \[0, 1, 2\]"
    ):
        winner(experiment, 3)


def test_a_variant_is_exported_in_place_of_what_was_found(tmp_path):
    experiment, finals = finished(tmp_path, variants=["more-filters"])
    with pytest.raises(RetrainError, match="run nas-hpc variant small --variant 0 --seed 0 first"):
        winner(experiment, variant="more-filters")
    tested = [variant(experiment, 0, k) for k in range(3)]
    for k in range(3):
        facts = winner(experiment, k, "more-filters").facts
        assert facts["test_accuracy"] == tested[k]["test_accuracy"]
        assert facts["parameters"] == tested[k]["parameters"] > finals[k]["parameters"]
        found = winner(experiment, k).facts["architecture"]["layers"]
        for ours, theirs in zip(facts["architecture"]["layers"], found, strict=True):
            assert ours == theirs | {"filters": theirs["filters"] + 40}
    with pytest.raises(ExportError, match=r"retrain\.variants are \['more-filters'\]; 'dense' is"):
        winner(experiment, variant="dense")


def test_without_onnx_the_other_files_are_written(floats, tmp_path, monkeypatch):
    experiment, _, _ = floats
    monkeypatch.setattr(files, "NEEDED", ("onnx", "no_such_package"))
    with pytest.raises(ExportError, match=r"model\.onnx .* pip install no_such_package"):
        export(winner(experiment), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pt", "model.py"]


class Deciding(nn.Module):
    """What it computes depends on what is in the images."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(1, 2)

    def forward(self, images):
        logits = self.head(images.mean((2, 3)))
        return logits if images[0, 0, 0, 0] > images[0, 0, 0, -1] else 2 * logits


def test_code_that_would_compute_something_else_is_refused(floats, tmp_path):
    experiment, _, _ = floats
    deciding = dataclasses.replace(winner(experiment), network=Deciding())
    with pytest.raises(ExportError, match=r"model\.py does not compute what .* Deciding does"):
        export(deciding, tmp_path)


def test_the_command_writes_the_files(tmp_path):
    _, finals = finished(tmp_path)
    command = [sys.executable, "-m", "nas_hpc", "export", "small.yaml", "--to", "best"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert f"test accuracy {finals[best(finals)]['test_accuracy']:.4f}" in said
    for kind in ("pt", "py", "onnx"):
        assert (tmp_path / "best" / f"model.{kind}").is_file()


def test_what_is_missing_is_named(tmp_path):
    experiment, finals = finished(tmp_path)
    folder = folder_of(experiment)
    weights = folder.weights(folder.final(best(finals)))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ExportError, match=f"{weights} is damaged"):
        winner(experiment)
    weights.unlink()
    with pytest.raises(ExportError, match=f"{weights} does not exist: nas-hpc final small"):
        winner(experiment)
    final(experiment, best(finals))
    assert winner(experiment).facts["seed"] == finals[best(finals)]["seed"]
    folder.final(2).unlink()
    with pytest.raises(RetrainError, match="run nas-hpc final small --seed 2 first"):
        winner(experiment)


def test_a_childs_own_networks_are_refused(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "from nas_hpc.children.classifier import train_and_score\n\n\n"
        "def child(architecture, data, training, trial):\n"
        "    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))\n"
        "    return train_and_score(network, data, training, trial, 'mine')\n"
    )
    experiment, _ = finished(tmp_path, child={"name": f"{tmp_path / 'mine.py'}:child"})
    with pytest.raises(ExportError, match=r"child\.name = .*mine\.py:child.*not those of the"):
        winner(experiment)
