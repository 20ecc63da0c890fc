"""What a report says of language models: perplexities, of which less is better."""

import csv
import io
import json
from statistics import fmean, stdev

import pytest
from rich.console import Console

from nas_hpc.report import analyse
from nas_hpc.report.final_figure import final
from nas_hpc.report.final_table import final_table
from nas_hpc.report.interval import Interval
from nas_hpc.report.retrain_figures import grid
from nas_hpc.report.summary import Findings
from nas_hpc.report.terminal import show
from nas_hpc.report.trials import trial_rows
from nas_hpc.spaces import describe
from nas_hpc.spaces.recurrent_cell import BASELINES
from nas_hpc.store import SearchLog, write_json
from tests.report.laboratory import (
    Course,
    language_in,
    make_data,
    make_retraining,
    make_search,
    outcome,
    place_of,
    sample,
)
from tests.report.test_final_table import cells

FOUND, RANDOM, LSTM = (120.0, 121.5, 119.1), (125.0, 123.5, 128.2), (130.0, 129.4, 131.5)
SHARED = (115.2, 114.9, 116.6)
# Table 2 of the paper: parameters, and perplexity on test data.
PAPER = [("32M", "67.9"), ("25M", "64.0"), ("54M", "62.4"), ("24M", "66.0")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A search, random search and an LSTM through the same final training; a variant."""
    experiment = language_in(
        tmp_path_factory.mktemp("language"),
        retrain={
            "candidates": 3,
            "rescore_seeds": 3,
            "beside": ["random", "lstm"],
            "variants": ["shared-embeddings"],
            "grid": {"initial_range": [0.05]},
        },
        budget={"trials": 12},
        data={"name": "ptb"},
        report={"published": "ptb"},
    )
    make_data(
        experiment,
        name="ptb",
        train=[929_589],
        validation=[73_760],
        test=[82_430],
        vocabulary=10_000,
    )
    make_search(experiment, "reinforce", Course(12, gain=0.12, fails=5, seed=1))
    make_search(experiment, "random", Course(12, seed=2))
    cell = describe(BASELINES["nascell"])
    make_retraining(experiment, [3, 1, 2], tests=FOUND, architecture=cell)
    make_retraining(experiment, [4, 1, 2], "random", RANDOM, cell)
    make_retraining(experiment, [], "lstm", LSTM, describe(BASELINES["lstm"]))
    folder = place_of(experiment) / "retrain"
    lstm = folder / "beside" / "lstm"
    for file in [lstm / "chosen.json", *(lstm / "grid").glob("*.json")]:
        write_json(file, json.loads(file.read_text()) | {"trial": None})
    (folder / "variant").mkdir()
    for k, perplexity in enumerate(SHARED):
        found = {"variant": "shared-embeddings", "seed_number": k, "status": "ok", "seconds": 1.0}
        found |= {"test_perplexity": perplexity, "parameters": 24_950_000}
        write_json(folder / "variant" / f"0-{k}.json", found)
    return experiment


@pytest.fixture(scope="module")
def results(trained, tmp_path_factory):
    place = tmp_path_factory.mktemp("results")
    analyse(trained, place)
    return place


def spread(values):
    return f"{fmean(values):.1f} ± {stdev(values):.1f} (n = 3)"


def test_the_lowest_perplexity_of_the_last_epochs_counts(tmp_path):
    experiment = language_in(tmp_path, reward={"last_epochs": 3})
    metrics = {"validation_perplexity": [90.0, 130.0, 120.0, 125.0]}
    log = SearchLog((sample(0),), (outcome(0, 80 / 120**2, metrics=metrics),))
    (row,) = trial_rows("random", experiment, log)
    assert row.validation == 120.0


def test_the_final_table_has_the_shape_of_the_papers(trained):
    text = final_table(Findings.of(trained))
    assert "Layers" not in text and "Test perplexity (mean ± SD)" in text
    found, shared, random, lstm, *quoted = cells(text)
    assert found == ["lab, REINFORCE, trial 3", "5,001", "120.2 ± 1.2 (n = 3)", "measured"]
    assert found[2] == spread(FOUND)
    assert shared[0] == "… shared embeddings, the same hidden size"
    assert shared[1:3] == ["24.9M", spread(SHARED)]
    assert (random[0], random[2]) == ("lab, random search, trial 4", spread(RANDOM))
    assert (lstm[0], lstm[2]) == ("LSTM", spread(LSTM))
    assert [tuple(row[1:3]) for row in quoted] == PAPER
    assert {row[3] for row in quoted} == {"quoted: Zoph & Le 2017", "quoted: Zilly et al. 2017"}


def test_its_csv_has_perplexities(results):
    with (results / "final.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["test_perplexity"]) == pytest.approx(fmean(FOUND), abs=1e-4)
    assert float(rows[0]["test_perplexity_sd"]) == pytest.approx(stdev(FOUND), abs=1e-4)
    assert [row["seeds"] for row in rows] == ["3"] * 4 + [""] * 4
    assert not any("error" in column or "layers" in column for column in rows[0])


def test_tables_of_trials_and_points_are_in_perplexities(trained, results):
    trials = (results / "trials.csv").read_text().splitlines()[0].split(",")
    assert "validation_perplexity" in trials and "validation_accuracy" not in trials
    with (results / "retrain.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    points = len(rows) // 3
    assert [row["contender"] for row in rows[::points]] == ["reinforce", "random", "lstm"]
    assert rows[0]["decay_after"] == "6" and rows[0]["initial_range"] == "0.05"
    assert float(rows[0]["validation_perplexity"]) == pytest.approx(FOUND[0] - 0.001)
    assert [row["chosen"] for row in rows].count("True") == 3
    assert not any("test" in column for column in rows[0])


def test_the_summary_speaks_of_perplexity(results):
    text = (results / "summary.md").read_text()
    assert "accuracy" not in text and "Test perplexity (mean ± SD over seeds)" in text
    assert (
        "Data: ptb, 929,589 tokens for training, 73,760 for validation, 82,430 for the test; "
        "a vocabulary of 10,000." in text
    )
    facts = json.loads((results / "summary.json").read_text())
    assert facts["measure"] == "perplexity" and facts["finished"]
    assert facts["final_training"]["test_perplexity"]["mean"] == pytest.approx(fmean(FOUND))
    assert facts["beside"].keys() == {"random", "lstm"}
    assert facts["beside"]["lstm"]["test_perplexity"]["mean"] == pytest.approx(fmean(LSTM))
    # The made-up perplexities are between 100 and 130: rewards of 80 / 130**2 to 80 / 100**2.
    best = facts["strategies"]["reinforce"]["best_reward"]
    assert 0.0047 < best < 0.008 and f"{best:.5f}" in text


def test_the_terminal_tells_all_contenders(trained):
    screen = io.StringIO()
    show(trained, 2, Console(file=screen, width=120))
    text = screen.getvalue()
    assert f"Test perplexity: {spread(FOUND)}" in text
    assert f"Test perplexity of random search: {spread(RANDOM)}" in text
    assert f"Test perplexity of LSTM: {spread(LSTM)}" in text
    assert "validation perplexity" in text and "accuracy" not in text


def test_points_of_the_grid_are_drawn_from_the_lowest_perplexity_up(trained):
    (axes,) = grid(Findings.of(trained)).axes
    assert axes.get_xlabel() == "Validation perplexity"
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = [(line.get_ydata()[0], line.get_xdata()[0]) for line in dots]
    places = [place for place, _ in drawn]
    assert places == sorted(places) and len(drawn) == 3 * 7  # one of 8 points diverged
    for start in (0, 7, 14):
        values = [value for _, value in drawn[start : start + 7]]
        assert values == sorted(values)
    assert "chosen" in " ".join(text.get_text() for text in axes.texts)


def test_every_test_of_every_contender_is_a_point(trained):
    (axes,) = final(Findings.of(trained)).axes
    dots = [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"]
    assert dots == [FOUND, SHARED, RANDOM, LSTM]
    written = [text.get_text() for text in axes.texts]
    interval = Interval.of(LSTM)
    low, high = interval.mean - interval.half, interval.mean + interval.half
    assert f"{fmean(LSTM):.1f} [{low:.1f}, {high:.1f}] (n = 3)" in written
    assert {"REINFORCE, trial 3", "random search, trial 4", "LSTM"} <= set(written)
    assert "Test perplexity; less is better" in axes.get_xlabel()


def test_a_contender_that_is_missing_is_said_to_be(trained, tmp_path):
    retrain = trained.retrain.model_copy(update={"beside": ("random", "lstm", "gru")})
    more = trained.model_copy(update={"retrain": retrain})
    assert Findings.of(more).training == ["The final training is unfinished: 12 of 15 runs so far."]
    assert [row[0] for row in cells(final_table(Findings.of(more)))].count("GRU") == 0
