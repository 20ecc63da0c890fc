"""The table of the final trainings against numbers that are typed here, ours and the paper's."""

import csv
from statistics import fmean, stdev

import pytest

from nas_hpc.report import analyse
from nas_hpc.report.final_table import final_table, layers_of, rows
from nas_hpc.report.summary import Findings
from nas_hpc.store import write_json
from tests.report.laboratory import (
    LAYER,
    Course,
    experiment_in,
    make_retraining,
    make_search,
    place_of,
)

WIDER = (0.960, 0.964, 0.971)
OURS = (0.951, 0.957, 0.960)  # what the laboratory makes up
# Table 1 of the paper: layers, parameters in millions, error in percent.
PAPER = {
    ("15", "4.2M", "5.50"),
    ("15", "—", "5.56"),
    ("15", "—", "7.97"),
    ("20", "2.5M", "6.01"),
    ("39", "7.1M", "4.47"),
    ("39", "37.4M", "3.65"),
}


@pytest.fixture
def trained(tmp_path):
    experiment = experiment_in(
        tmp_path,
        title="",
        compare_with=(),
        retrain={"candidates": 3, "rescore_seeds": 3, "variants": ["more-filters", "dense"]},
        report={"published": "cifar10"},
    )
    make_search(experiment, "reinforce", Course(30))
    make_retraining(experiment, [0, 1, 2])
    folder = place_of(experiment) / "retrain"
    (folder / "variant").mkdir()
    for k, accuracy in enumerate(WIDER):
        found = {"variant": "more-filters", "seed_number": k, "status": "ok", "seconds": 61.0}
        found |= {"test_accuracy": accuracy, "parameters": 2_345_678}
        write_json(folder / "variant" / f"0-{k}.json", found)
    failed = {"variant": "dense", "seed_number": 0, "status": "diverged", "test_accuracy": None}
    write_json(folder / "variant" / "1-0.json", failed)
    return experiment


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_ours_come_first_with_mean_and_deviation_over_seeds(trained):
    first, wider, dense, *_ = cells(final_table(Findings.of(trained)))
    errors = [100 - 100 * accuracy for accuracy in OURS]
    assert first[0].endswith("trial 0") and first[1] == "4"
    assert first[3] == f"{fmean(errors):.2f} ± {stdev(errors):.2f} (n = 3)" == "4.40 ± 0.46 (n = 3)"
    assert wider == [
        "… 40 more filters in every layer",
        "4",
        "2.3M",
        "3.50 ± 0.56 (n = 3)",
        "measured",
    ]
    assert dense == ["… densely connected", "4", "—", "—", "measured"]


def test_what_stands_beside_is_in_percent_too(tmp_path):
    retrain = {"candidates": 3, "rescore_seeds": 3, "beside": ["mine.py:evolution"]}
    experiment = experiment_in(tmp_path, compare_with=["mine.py:evolution"], retrain=retrain)
    make_search(experiment, "reinforce", Course(3))
    make_retraining(experiment, [0, 1, 2])
    make_retraining(experiment, [2, 1, 0], "evolution", tests=WIDER)
    found, other = cells(final_table(Findings.of(experiment)))
    assert found[3] == "4.40 ± 0.46 (n = 3)"
    assert other[0] == "lab, evolution, trial 2" and other[3] == "3.50 ± 0.56 (n = 3)"


def test_published_rows_are_those_of_the_paper_and_marked_as_quoted(trained):
    text = final_table(Findings.of(trained))
    quoted = [row for row in cells(text) if row[4] != "measured"]
    assert {tuple(row[1:4]) for row in quoted if row[4] == "quoted: Zoph & Le 2017"} == PAPER
    assert all(row[4].startswith("quoted: ") for row in quoted)
    errors = {row[0]: row[3] for row in quoted}
    assert errors["DenseNet-BC"] == "3.46" and errors["NASNet-A"] == "3.41"
    assert "not measured here" in text


def test_without_the_key_nothing_is_quoted(trained):
    report = trained.report.model_copy(update={"published": None})
    plain = trained.model_copy(update={"report": report})
    assert len(cells(final_table(Findings.of(plain)))) == 3
    assert "uoted" not in final_table(Findings.of(plain))


def test_before_anything_is_chosen_there_is_no_table(tmp_path):
    experiment = experiment_in(tmp_path, report={"published": "cifar10"})
    assert final_table(Findings.of(experiment)) == ""
    assert all(row.quoted_from for row in rows(Findings.of(experiment)))


def test_analyse_writes_it_and_says_what_is_missing(trained, tmp_path):
    analyse(trained, tmp_path / "results")
    with (tmp_path / "results" / "final.csv").open(newline="") as file:
        first, wider, _, *quoted = csv.DictReader(file)
    assert float(first["test_error_percent"]) == pytest.approx(4.4)
    assert float(first["test_error_sd"]) == pytest.approx(0.4583, abs=1e-4)
    assert (wider["parameters"], wider["seeds"], wider["quoted_from"]) == ("2345678", "3", "")
    assert {row["quoted_from"] for row in quoted} >= {"Zoph & Le 2017"} and len(quoted) == 18
    summary = (tmp_path / "results" / "summary.md").read_text()
    assert "## Final training" in summary
    # Three runs of what was found and four of its variants, of three and of twice three.
    assert "7 of 9 runs" in summary


def test_layers_are_counted_as_in_the_paper():
    block = {"type": "Block", "height": 3, "width": 3, "filters": 24, "layers": 3, "inputs": []}
    blocks = {"type": "BlockNet", "blocks": [block] * 13, "pool_after": [4, 8]}
    assert layers_of(blocks) == 39
    assert layers_of({"type": "ConvNet", "layers": [LAYER] * 15}) == 15
    assert layers_of({"type": "CellNet", "repeats": 6}) is None
    assert layers_of({"type": "Tuned", "architecture": blocks, "learning_rate": 0.1}) == 39
