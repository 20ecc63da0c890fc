"""What there is to export, and what can be: where not, one line says so."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.export import ExportError
from nas_hpc.export.winner import winner
from nas_hpc.retrain import RetrainError
from nas_hpc.spaces import draw, load_space
from tests.retrain.finished import experiment_in, folder_of

RHYMES = """
from dataclasses import dataclass

from nas_hpc.spaces import Choice, Kind, Space

WORDS = Kind("words", (1, 2, 3))


@dataclass(frozen=True)
class Rhyme:
    words: int


def rhymes():
    return Rhyme((yield Choice(WORDS, "words")))


space = Space("rhymes", (WORDS,), rhymes)
"""


@pytest.fixture
def rhyming(tmp_path: Path) -> Experiment:
    """An experiment that has chosen what is no network of images."""
    (tmp_path / "mine.py").write_text(RHYMES)
    space = {"name": "mine.py:space", "options": {}, "arguments": {}}
    experiment = experiment_in(tmp_path, space=space)
    walk = draw(load_space(experiment), {}, np.random.default_rng(0))
    folder = folder_of(experiment)
    folder.publish(folder.chosen, {"trial": 0, "arguments": {}, "tokens": walk.tokens})
    return experiment


def test_before_anything_is_chosen_it_is_said_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        RetrainError, match=r"chosen\.json does not exist: run nas-hpc choose small"
    ):
        winner(experiment_in(tmp_path))


def test_an_architecture_without_a_network_of_images_is_refused_before_it_is_trained(
    rhyming: Experiment,
) -> None:
    with pytest.raises(ExportError, match=r"only networks of images .* makes none of a Rhyme"):
        winner(rhyming)


@pytest.mark.usefixtures("rhyming")
def test_the_command_says_it_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nas_hpc", "export", "small.yaml", "--to", "best"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("nas-hpc: space.name = ") and line.endswith("none of a Rhyme")
    assert not (tmp_path / "best").exists()
