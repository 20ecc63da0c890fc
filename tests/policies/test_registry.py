"""Strategies by name, and what importing them costs."""

import subprocess
import sys

import pytest

from nas_hpc.experiment import Experiment, ExperimentError
from nas_hpc.policies import Request, is_replicated, make
from nas_hpc.spaces.convnet import convnet

EXPERIMENT = Experiment(name="test", seed=3)
OWN = """
class First:
    replicated = False

    def __init__(self, experiment, space):
        self.seen = experiment.seed, space.name

class Shy:
    pass
"""


@pytest.mark.parametrize(("name", "replicated"), [("reinforce", True), ("random", False)])
def test_what_is_built_in(name, replicated):
    strategy = make(name, EXPERIMENT, convnet())
    assert strategy.replicated is is_replicated(name) is replicated
    (proposal,) = strategy.ask([Request(0, {"depth": 2})])
    assert len(proposal.tokens) == 7


def test_own_code_by_file(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    assert make(f"{file}:First", EXPERIMENT, convnet()).seen == (3, "convnet")
    assert is_replicated(f"{file}:First") is False
    with pytest.raises(ExperimentError, match="its attribute replicated must be true or false"):
        is_replicated(f"{file}:Shy")


@pytest.mark.parametrize("ask", [is_replicated, lambda name: make(name, EXPERIMENT, convnet())])
def test_an_unknown_name_is_refused_with_those_allowed(ask):
    with pytest.raises(
        ExperimentError, match="'evolve' does not exist; allowed: reinforce, random"
    ):
        ask("evolve")


def test_torch_comes_with_the_controller_only():
    code = """
import sys
import nas_hpc.policies as policies
from nas_hpc.experiment import Experiment
from nas_hpc.spaces.convnet import convnet
assert policies.is_replicated("reinforce")
policies.make("random", Experiment(name="x"), convnet())
policies.Adam(3, 0.1), policies.Baseline(0.9, 3.0), policies.initial, policies.shard_slices
assert "torch" not in sys.modules, "without"
policies.make("reinforce", Experiment(name="x"), convnet())
assert "torch" in sys.modules, "with"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
