import json
import sys
from pathlib import Path

import pytest
import yaml

from nas_hpc.__main__ import main
from nas_hpc.experiment import Experiment, read
from nas_hpc.search.configuration import fix
from nas_hpc.search.dispatcher import COMPLETE
from nas_hpc.spaces import load_space
from nas_hpc.store import Event, Identity, Outcome, RunFolder, Writer, claim_session
from tests.retrain.finished import experiment_in, searched

SETTINGS = {
    "space": {"options": {"filters": [2, 4]}, "arguments": {"depth": 2}},
    "data": {"options": {"train": 60, "validation": 40}},
    "training": {"epochs": 1},
    "slots": {"threads": 1},
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes an experiment into the working directory, with files of own code beside it."""
    monkeypatch.chdir(tmp_path)

    def write_experiment(files=None, **changes):
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(SETTINGS | changes))

    return write_experiment


def run(monkeypatch, *arguments):
    """Run the command line in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["nas-hpc", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def refusal(monkeypatch, capsys, *arguments):
    """The message with which a command ends that cannot do what it was asked for."""
    assert run(monkeypatch, *arguments) == 1
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    return said.err


def test_config_prints_the_experiment_with_its_defaults(write, monkeypatch, capsys):
    write()
    assert run(monkeypatch, "config", "mine.yaml") == 0
    printed = capsys.readouterr().out
    assert Experiment.model_validate_json(printed) == read("mine.yaml")
    assert json.loads(printed)["controller"]["hidden"] == 35


def test_a_key_that_does_not_exist_ends_as_one_message(write, monkeypatch, capsys):
    write(controler={"hidden": 3})
    message = refusal(monkeypatch, capsys, "config", "mine.yaml")
    assert message.startswith("nas-hpc: mine.yaml: controler is not a key; allowed here: name,")


def test_prepare_makes_the_data_and_says_how_the_rehearsal_ended(write, monkeypatch, capsys):
    write()
    assert run(monkeypatch, "prepare", "mine.yaml", "--marker", "done/prepared.json") == 0
    said = capsys.readouterr().out
    assert "60 train, 40 validation" in said and "two small batches: ok" in said
    folder = RunFolder.of(read("mine.yaml"))
    about = json.loads((folder.data / "data.json").read_text())
    marker = json.loads(Path("done/prepared.json").read_text())
    assert marker["fingerprint"] == about["fingerprint"]
    assert folder.root.parent.stat().st_mode & 0o777 == 0o700
    assert not folder.root.exists()


OWN = {
    "a space that stops": (
        "space",
        "def mine():\n    return {}['depth']\n",
        ["space", "mine.py, line 2", "KeyError: 'depth'"],
    ),
    "a space that asks for an unknown kind": (
        "space",
        "from nas_hpc.spaces import Choice, Kind, Space\n"
        "def generate(depth):\n"
        "    yield Choice(Kind('b', (1, 2)), 'first')\n"
        "mine = Space('chain', (Kind('a', (1, 2)),), generate)\n",
        ["space", "mine.py:mine", "first: kind 'b'"],
    ),
    "data that stops": (
        "data",
        "import numpy as np\ndef mine(**options):\n    return np.zeros(3)[5]\n",
        ["data", "mine.py, line 3", "IndexError"],
    ),
    "data without a test part": (
        "data",
        "def mine(**options):\n    return None\n",
        ["data.name", "mine.py:mine", "must return a Dataset with a test part"],
    ),
    "a child that stops": (
        "child",
        "import numpy as np\n"
        "def mine(architecture, data, training, trial):\n"
        "    helper(data)\n"
        "def helper(data):\n"
        "    return np.ones(2).reshape(7)\n",
        ["child", 'mine.py", line 5, in helper', "ValueError: cannot reshape"],
    ),
    "a child that is not there": (
        "child",
        "def others():\n    pass\n",
        ["mine.py:mine", "has no 'mine'", "others"],
    ),
    "a strategy that does not say what it is": (
        "strategy",
        "class mine:\n    pass\n",
        ["strategy", "mine.py:mine", "replicated must be true or false"],
    ),
    "a strategy that stops": (
        "strategy",
        "class mine:\n"
        "    replicated = False\n"
        "    def __init__(self, experiment, space):\n"
        "        pass\n"
        "    def ask(self, requests):\n"
        "        return requests[1]\n",
        ["strategy", "mine.py, line 6", "IndexError"],
    ),
}


@pytest.mark.parametrize(("section", "code", "parts"), OWN.values(), ids=OWN.keys())
def test_a_mistake_in_own_code_is_named_before_a_search(
    write, monkeypatch, capsys, section, code, parts
):
    if section == "strategy":
        changes = {"search": {"strategy": "mine.py:mine"}}
    else:
        changes = {section: SETTINGS.get(section, {}) | {"name": "mine.py:mine", "options": {}}}
    write({"mine.py": code}, **changes)
    message = refusal(monkeypatch, capsys, "prepare", "mine.yaml", "--marker", "prepared.json")
    for part in parts:
        assert part in message
    assert message.count("\n") == 1
    assert not Path("prepared.json").exists()


def test_a_space_that_the_child_cannot_build_is_named(write, monkeypatch, capsys):
    code = (
        "from dataclasses import dataclass\n"
        "from nas_hpc.spaces import Choice, Kind, Space\n"
        "WIDTH = Kind('width', (8, 16))\n"
        "@dataclass(frozen=True)\n"
        "class Chain:\n"
        "    width: int\n"
        "def generate(depth):\n"
        "    return Chain((yield Choice(WIDTH, 'width')))\n"
        "chain = Space('chain', (WIDTH,), generate)\n"
    )
    write({"mine.py": code}, space={"name": "mine.py:chain", "arguments": {"depth": 1}})
    message = refusal(monkeypatch, capsys, "prepare", "mine.yaml")
    assert "child classifier" in message and "no network is known for a Chain" in message


def test_steps_out_of_turn_say_what_comes_first(write, monkeypatch, capsys):
    write()
    message = refusal(monkeypatch, capsys, "final", "mine.yaml", "--seed", "0")
    assert "chosen.json does not exist: run nas-hpc choose mine first" in message


def test_a_search_that_has_not_been_prepared_says_so(write, monkeypatch, capsys):
    write()
    message = refusal(monkeypatch, capsys, "search", "mine.yaml")
    assert message.strip().endswith("data.json does not exist: run nas-hpc prepare mine first")


def test_a_finished_search_does_not_take_another_configuration(write, monkeypatch, capsys):
    write()
    assert run(monkeypatch, "prepare", "mine.yaml") == 0
    experiment = read("mine.yaml")
    folder = RunFolder.of(experiment)
    folder.create()
    fix(experiment, load_space(experiment), folder)
    writer = Writer(folder, claim_session(folder, Identity.mine(), ""))
    writer.commit([Outcome(n, "ok", 0.5) for n in range(3)] + [Event("ended", COMPLETE, 0.0)])
    writer.close()
    capsys.readouterr()

    write(budget={"trials": 3}, title="Other words")
    monkeypatch.setattr(Identity, "alive", lambda self: False)
    assert run(monkeypatch, "search", "mine.yaml", "--marker", "done.json") == 0
    assert json.loads(Path("done.json").read_text())["done"]
    capsys.readouterr()

    write(budget={"trials": 3}, training={"epochs": 9})
    message = refusal(monkeypatch, capsys, "search", "mine.yaml")
    assert "training.epochs: 1 then, 9 now" in message


def test_one_architecture_can_be_trained_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    experiment = searched(experiment_in(tmp_path))
    assert run(monkeypatch, "train", "small.yaml", "--trial", "3", "--epochs", "4") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trial"] == 3 and found["training"]["epochs"] == 4
    assert len(found["epochs"]["training_loss"]) == 4
    assert Path(found["weights"]).is_file()

    assert run(monkeypatch, "candidates", "small.yaml") == 0
    best = json.loads((Path(experiment.runs) / "small/retrain/candidates.json").read_text())[1]
    Path("best.json").write_text(json.dumps(best))
    capsys.readouterr()
    assert run(monkeypatch, "train", "small.yaml", "--tokens", "best.json", "--epochs", "4") == 0
    assert json.loads(capsys.readouterr().out) == found

    message = refusal(monkeypatch, capsys, "train", "small.yaml", "--trial", "77")
    assert "has no trial 77" in message
    message = refusal(monkeypatch, capsys, "train", "small.yaml", "--trial", "3", "--epochs", "0")
    assert "training.epochs = 0: Input should be greater than or equal to 1" in message
    message = refusal(monkeypatch, capsys, "train", "small.yaml")
    assert "give one of these: the number of a trial, a file with tokens, a cell" in message
