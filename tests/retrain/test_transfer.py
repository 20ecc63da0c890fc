"""A found cell in another language model."""

import csv
import json
import sys

import pytest
import yaml

from nas_hpc.__main__ import main
from nas_hpc.experiment import read, read_targets
from nas_hpc.report import analyse
from nas_hpc.retrain import RetrainError, RetrainFolder
from nas_hpc.retrain.transfer import transfer
from nas_hpc.spaces import describe
from nas_hpc.spaces.recurrent_cell import BASELINES
from nas_hpc.store.durable import read_json
from tests.retrain.contending import all_steps, language, language_in
from tests.retrain.finished import experiment_of, trainings


def letters_in(place):
    """Another experiment, whose space is another one, too; it has trained nothing so far."""
    other = {"name": "recurrent-cell", "options": {"base": 4}, "arguments": {}}
    data = {"name": language()["data"]["name"], "options": {"level": "character"}}
    settings = language() | {"name": "letters", "space": other, "data": data}
    return experiment_of(place, settings | {"training": language()["training"] | {"epochs": 3}})


@pytest.fixture
def both(tmp_path):
    """Words, of which a cell is chosen beside an LSTM, and letters, to which they go."""
    target = letters_in(tmp_path / "letters")
    path = str(tmp_path / "letters" / "small.yaml")
    source = language_in(tmp_path / "words", beside=["lstm"], transfer=[path])
    return source, target


def test_the_chosen_cell_and_what_is_beside_it_are_trained_as_the_target_says(both, tmp_path):
    source, target = both
    chosen = {name: all_steps(source, name)["chosen"] for name in ("", "lstm")}
    paid = trainings(source)
    for _ in range(2):
        for name in chosen:
            for seed in range(3):
                transfer(source, target, 0, seed, name)
    assert trainings(source) == paid
    assert len(trainings(target)) == 2 * 3
    for name in chosen:
        folder = RetrainFolder.of(source, name)
        runs = [read_json(folder.transfer(0, seed)) for seed in range(3)]
        assert len({run["seed"] for run in runs}) == 3
        assert {run["trial"] for run in runs} == {chosen[name]["trial"]}
        assert {(run["target"], run["unit"]) for run in runs} == {("letters", "character")}
        for run in runs:
            assert run["training"] == target.training.model_dump(mode="json")
    assert chosen["lstm"]["architecture"] == describe(BASELINES["lstm"])
    # The child says 2 ** 2 of a cell of two leaves, and 2 ** 3 of an LSTM.
    analyse(source, tmp_path)
    with (tmp_path / "transfer.csv").open() as file:
        found, lstm = csv.DictReader(file)
    assert (found["target"], found["unit"], float(found["test_bits"])) == (
        "letters",
        "character",
        2,
    )
    assert found["model"] == f"small, REINFORCE, trial {chosen['']['trial']}"
    assert (lstm["model"], json.loads(lstm["of_each_seed"])) == ("LSTM", [3.0, 3.0, 3.0])
    text = (tmp_path / "summary.md").read_text()
    assert "## In letters" in text and "2.0000 ± 0.0000 (n = 3)" in text
    assert "bits per character" in text


def test_the_command_of_the_workflow(both, tmp_path, monkeypatch, capsys):
    source, _ = both
    all_steps(source, "lstm")
    command = ["nas-hpc", "transfer", str(tmp_path / "words" / "small.yaml"), "--target", "0"]
    marker = tmp_path / "done" / "marker.json"
    more = ["--seed", "1", "--contender", "lstm", "--marker", str(marker)]
    monkeypatch.setattr(sys, "argv", [*command, *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "[small/lstm] in letters, seed 1, test perplexity 8.0000" in capsys.readouterr().out
    assert read_json(marker) == read_json(RetrainFolder.of(source, "lstm").transfer(0, 1))


def test_another_target_trains_only_what_is_new(both, tmp_path):
    source, target = both
    all_steps(source)
    for seed in range(3):
        transfer(source, target, 0, seed)
    paid = trainings(target)
    settings = yaml.safe_load((tmp_path / "words" / "small.yaml").read_text())
    settings["retrain"]["transfer"].insert(0, "words")
    (tmp_path / "words" / "small.yaml").write_text(yaml.safe_dump(settings))
    changed = read(str(tmp_path / "words" / "small.yaml"))
    words, same = read_targets(changed)
    assert (words.name, same) == ("words", target)
    transfer(changed, same, 1, 0)
    assert trainings(target) == paid


def test_what_cannot_be_transferred_is_refused(both):
    source, target = both
    with pytest.raises(RetrainError, match="run nas-hpc choose small first"):
        transfer(source, target, 0, 0)
    all_steps(source)
    with pytest.raises(RetrainError, match="seed 3 does not exist; allowed: 0 to 2"):
        transfer(source, target, 0, 3)
