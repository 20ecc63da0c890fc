"""A found cell in another language model."""

import csv
import json
import sys

import pytest

from nas_hpc.__main__ import main
from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.transfer import results, transfer
from tests.retrain.contending import all_steps, language, language_in
from tests.retrain.finished import experiment_in, experiment_of, trainings


def letters_in(place):
    """Another experiment, whose space is another one, too; it has trained nothing so far."""
    other = {"name": "recurrent-cell", "options": {"base": 4}, "arguments": {}}
    data = {"name": language()["data"]["name"], "options": {"level": "character"}}
    settings = language() | {"name": "letters", "space": other, "data": data}
    return experiment_of(place, settings | {"training": language()["training"] | {"epochs": 3}})


def test_the_chosen_cell_and_an_lstm_are_trained_as_the_target_says(tmp_path, monkeypatch, capsys):
    source, target = language_in(tmp_path / "words"), letters_in(tmp_path / "letters")
    chosen = all_steps(source)["chosen"]
    paid = trainings(source)
    monkeypatch.chdir(tmp_path)
    command = ["nas-hpc", "transfer", "words/small.yaml", "letters/small.yaml"]
    monkeypatch.setattr(sys, "argv", command)
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    assert trainings(source) == paid
    assert len(trainings(target)) == 2 * 3
    for cell, paths in results(source, target).items():
        runs = [json.loads(path.read_text()) for path in paths]
        assert len({run["seed"] for run in runs}) == 3
        assert {run["trial"] for run in runs} == {chosen["trial"] if cell == "found" else None}
        for run in runs:
            assert run["training"] == target.training.model_dump(mode="json")
    # The child says 2 ** 2 of a cell of two leaves, and 2 ** 3 of an LSTM.
    with (tmp_path / "analysis" / "letters" / "transfer.csv").open() as file:
        found, lstm = csv.DictReader(file)
    assert float(found["test_bits_per_character"]) == 2.0
    assert (float(lstm["test_bits_per_character"]), lstm["of_each_seed"]) == (
        3.0,
        "[3.0, 3.0, 3.0]",
    )
    assert "2.0000 ± 0.0000 (n = 3)" in (tmp_path / "analysis/letters/transfer.md").read_text()
    assert f"cell of small, trial {chosen['trial']}" in capsys.readouterr().out


def test_what_cannot_be_transferred_is_refused(tmp_path):
    source, target = language_in(tmp_path / "words"), letters_in(tmp_path / "letters")
    with pytest.raises(RetrainError, match="run nas-hpc choose small first"):
        transfer(source, target, "found", 0)
    with pytest.raises(RetrainError, match="small trains no language model"):
        transfer(source, experiment_in(tmp_path / "images"), "found", 0)
