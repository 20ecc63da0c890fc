"""Independent repeats against differences and intervals that are worked out here by hand."""

import csv
import json
from statistics import fmean

import pytest
from PIL import Image

from nas_hpc.__main__ import main
from nas_hpc.experiment import ExperimentError
from nas_hpc.report import compare
from nas_hpc.report.repeats import Repeats
from nas_hpc.report.repeats_figure import repeats_figure
from nas_hpc.report.repeats_table import repeats_table
from tests.report.laboratory import (
    Course,
    experiment_in,
    language_in,
    make_retraining,
    make_search,
    place_of,
)

FOUND = ((0.95, 0.96, 0.97), (0.94, 0.95, 0.96), (0.97, 0.97, 0.97))
RANDOM = ((0.94, 0.95, 0.96), (0.92, 0.93, 0.94), (0.94, 0.94, 0.94))
# In percent of error the means are 4, 5, 3 against 5, 7, 6: differences -1, -2, -3, whose deviation
# is 1. Student's t of two degrees of freedom is 4.303 at 97.5%: half the interval is 2.48.
DIFFERENCES = (-1.0, -2.0, -3.0)
HALF = 4.303 / 3**0.5
T_INTERVAL = "-2.00 [-4.48, +0.48] (n = 3)"


def repeated(place, number, strategy="reinforce", beside=()):
    """One repeat: the search of the experiment, and what went through its final training beside."""
    experiment = experiment_in(
        place,
        name=f"{strategy}-{number}",
        seed=number,
        search={"strategy": strategy, "replicas": 1, "shards": 1, "replica_ranks": 1}
        | {"server_ranks": 1},
        compare_with=[name for name in beside if name != strategy],
        retrain={"candidates": 3, "rescore_seeds": 3, "top": 2, "beside": list(beside)},
    )
    make_search(experiment, strategy, Course(6, gain=0.1, killed=(2,), seed=number))
    return experiment


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three experiments, each with random search beside its own."""
    place = tmp_path_factory.mktemp("repeats")
    experiments = [repeated(place, number, beside=("random",)) for number in (1, 2, 3)]
    for experiment, found, other in zip(experiments, FOUND, RANDOM, strict=True):
        make_search(experiment, "random", Course(4, seed=10))
        make_retraining(experiment, [1, 0, 2], tests=found)
        make_retraining(experiment, [3, 0, 2], "random", tests=other)
    return experiments


@pytest.fixture(scope="module")
def written(three, tmp_path_factory):
    place = tmp_path_factory.mktemp("compared")
    compare(three, [], "random", place)
    return place


def rows_of(place):
    with (place / "repeats.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_differences_of_pairs_have_an_interval_over_pairs(three):
    test = Repeats.of(three, [], "random").differences[-1]
    assert test.values == pytest.approx(DIFFERENCES)
    assert test.interval.mean == pytest.approx(-2) and test.interval.n == 3
    assert test.interval.half == pytest.approx(HALF, abs=1e-3)


def test_every_seed_of_every_side_is_in_the_table(written):
    rows = rows_of(written)
    assert [(row["pair"], row["side"]) for row in rows] == [(p, s) for p in "123" for s in "12"]
    for row in rows:
        accuracies = (FOUND, RANDOM)[int(row["side"]) - 1][int(row["pair"]) - 1]
        errors = json.loads(row["test_error_percent_of_each_seed"])
        assert errors == pytest.approx([100 - 100 * accuracy for accuracy in accuracies])
        assert float(row["test_error_percent"]) == pytest.approx(fmean(errors))
    assert [row["seed"] for row in rows[::2]] == ["1", "2", "3"]
    assert {row["trials"] for row in rows[::2]} == {"6"} and rows[1]["trials"] == "4"


def test_the_search_of_each_side_is_in_the_table(three, written):
    for number, row in enumerate(rows_of(written)):
        experiment, beside = three[number // 2], "beside/random" if number % 2 else ""
        folder = place_of(experiment) / "retrain" / beside / "rescore"
        means = [json.loads(file.read_text())["mean"] for file in folder.glob("*.json")]
        listed = sorted(means)[-2:]  # retrain.top is 2
        assert float(row["shortlist_reward"]) == pytest.approx(fmean(listed))
        assert float(row["device_seconds"]) > 4 * 5  # each trial of the laboratory takes 5 to 15 s


def test_the_words_say_which_direction_is_better(written):
    text = (written / "repeats.md").read_text()
    assert text.startswith("# REINFORCE against random search\n")
    line = next(line for line in text.splitlines() if line.startswith("| Test error, %"))
    assert "-1.00, -2.00, -3.00" in line and T_INTERVAL in line and "below 0" in line
    best = next(line for line in text.splitlines() if line.startswith("| Best reward in the"))
    assert "above 0" in best and "(n = 3)" in best
    assert "reinforce-1, REINFORCE, trial 1" in text and "5.00, 4.00, 3.00" in text
    assert "significant" not in text


def test_the_figure_has_every_point_and_can_be_opened(three, written):
    above, below = repeats_figure(Repeats.of(three, [], "random")).axes
    dots = [[*line.get_xdata()] for line in above.lines if line.get_marker() == "o"]
    pairs = zip(FOUND, RANDOM, strict=True)
    expected = [[100 - 100 * accuracy for accuracy in one] for pair in pairs for one in pair]
    assert dots == [pytest.approx(errors) for errors in expected]
    (points,) = (line.get_xdata() for line in below.lines if line.get_marker() == "o")
    assert [*points] == pytest.approx(DIFFERENCES)
    assert T_INTERVAL in [text.get_text() for text in below.texts]
    with Image.open(written / "repeats.png") as image:
        assert min(image.size) > 200
    assert (written / "repeats.pdf").read_bytes().startswith(b"%PDF-")


def test_two_experiments_of_a_pair(tmp_path):
    first = [repeated(tmp_path, number) for number in (1, 2)]
    second = [repeated(tmp_path, number, "random") for number in (1, 2)]
    for one, tests in zip([*first, *second], [*FOUND[:2], *RANDOM[:2]], strict=True):
        make_retraining(one, [0, 1, 2], tests=tests)
    found = Repeats.of(first, second, "")
    assert found.title == "REINFORCE against random search"
    assert found.differences[-1].values == pytest.approx(DIFFERENCES[:2])
    same = Repeats.of(first[:1], first[1:], "")
    assert same.title == "reinforce-1 against reinforce-2"


def test_less_perplexity_is_better_and_a_cell_needs_no_search(tmp_path):
    experiment = language_in(
        tmp_path, retrain={"candidates": 3, "rescore_seeds": 3, "beside": ["lstm"]}
    )
    make_search(experiment, "reinforce", Course(3))
    make_retraining(experiment, [0, 1, 2], tests=(120.0, 121.0, 125.0))
    make_retraining(experiment, [], "lstm", tests=(130.0, 131.0, 132.0))
    repeats = Repeats.of([experiment], [], "lstm")
    (difference,) = repeats.differences  # an LSTM has no reward of a search
    assert difference.values == (-9.0,) and difference.interval.half is None
    lines = repeats_table(repeats).splitlines()
    (lstm,) = (line for line in lines if line.startswith("| 1") and "| LSTM" in line)
    assert "130.0, 131.0, 132.0" in lstm and lstm.count("—") == 4
    assert "-9.0 (n = 1)" in lines[-3] and "below 0" in lines[-3]


def test_what_cannot_be_compared_is_named(three, tmp_path):
    first, second, third = three
    with pytest.raises(ExperimentError, match="reinforce-1 has no contender 'lstm'"):
        Repeats.of(three, [], "lstm")
    with pytest.raises(ExperimentError, match="3 experiments cannot be paired with 1"):
        Repeats.of(three, [first], "")
    with pytest.raises(ExperimentError, match="given more than once: reinforce-1"):
        Repeats.of([first, second], [third, first], "")
    twin = second.model_copy(update={"seed": first.seed})
    with pytest.raises(ExperimentError, match="reinforce-1 and reinforce-2 both have seed 1"):
        Repeats.of([first, twin], [], "random")
    with pytest.raises(ExperimentError, match="one measure is needed, not accuracy and perplexity"):
        Repeats.of([first], [language_in(tmp_path)], "")
    data = first.data.model_copy(update={"name": "cifar10"})
    with pytest.raises(ExperimentError, match="reinforce-1 and reinforce-2 have different data"):
        Repeats.of([first], [second.model_copy(update={"data": data})], "")
    unfinished = repeated(tmp_path, 7)
    with pytest.raises(ExperimentError, match="reinforce-7: nothing was tested"):
        Repeats.of([unfinished], [first], "")


def test_the_command(three, tmp_path, monkeypatch, capsys):
    files = []
    for experiment in three:
        files.append(tmp_path / f"{experiment.name}.yaml")
        files[-1].write_text(json.dumps(experiment.model_dump(mode="json", exclude={"name"})))
    results = tmp_path / "results"
    words = ["nas-hpc", "compare", *files, "--results", results]
    monkeypatch.setattr("sys.argv", [str(word) for word in words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and str(results) in capsys.readouterr().out
    assert T_INTERVAL in (results / "repeats.md").read_text()
