"""What `analyse` leaves behind, for a finished experiment."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from statistics import fmean, stdev
from xml.etree import ElementTree

import h5py
import pytest
from PIL import Image
from scipy.stats import mannwhitneyu

from nas_hpc.report.analysis import FIGURES
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import write_grid
from nas_hpc.store import write_json
from tests.report.laboratory import (
    place_of,
)


def facts_of(results: Path) -> dict:
    return json.loads((results / "summary.json").read_text())


def read_csv(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def stored(experiment, strategy: str) -> list[dict]:
    """Answers as h5py finds them in the run folder, in the order of recording."""
    answers = []
    for path in sorted((place_of(experiment) / strategy / "segments").glob("*.h5")):
        with h5py.File(path) as file:
            if "outcomes" not in file:
                continue
            table, status = file["outcomes/table"][()], file["outcomes/status"].asstr()[()]
            answers += [
                {"trial": int(row["trial"]), "reward": float(row["reward"]), "status": state}
                | {"cost": float(row["ended"] - row["started"])}
                for row, state in zip(table, status, strict=True)
            ]
    return answers


def test_numbers_are_those_of_the_records(finished):
    experiment, results = finished
    facts = facts_of(results)
    for strategy in ("reinforce", "random"):
        rows = stored(experiment, strategy)
        answers = [row for row in rows if row["status"] not in ("killed", "lost")]
        rewards = [row["reward"] for row in answers]
        found = facts["strategies"][strategy]
        assert found["trials"] == 40 and len(answers) == 40
        assert found["trials_by_status"] == Counter(row["status"] for row in answers)
        assert found["failures_by_status"]["diverged"] == rewards.count(0.0) > 0
        assert found["attempts_repeated"] == len(rows) - len(answers)
        assert found["best_reward"] == max(rewards)
        assert found["mean_reward_first_third"] == pytest.approx(fmean(rewards[:13]))
        assert found["mean_reward_last_third"] == pytest.approx(fmean(rewards[-13:]))
        assert found["slot_seconds"] == pytest.approx(sum(row["cost"] for row in rows))
        wall = found["wall_seconds"]
        assert found["slot_utilisation"] == pytest.approx(found["slot_seconds"] / (3 * wall))
        assert found["ended"] == "budget spent" and found["finished"]
    assert facts["strategies"]["reinforce"]["attempts_repeated"] == 2


def test_the_comparison_is_the_test_of_the_last_thirds(finished):
    experiment, results = finished
    (found,) = facts_of(results)["comparisons"]
    late = [
        [row["reward"] for row in stored(experiment, strategy) if row["status"] != "killed"][-13:]
        for strategy in ("reinforce", "random")
    ]
    assert found["n"] == 13
    assert found["p_value"] == pytest.approx(mannwhitneyu(*late, alternative="greater").pvalue)


def test_duplicates_and_entropy_are_those_of_the_samples(finished):
    experiment, results = finished
    samples = []
    for path in sorted((place_of(experiment) / "reinforce" / "segments").glob("*.h5")):
        with h5py.File(path) as file:
            if "samples" in file:
                table = file["samples/table"][()]
                names = ("number", "trial", "entropy")
                samples += [{name: row[name] for name in names} for row in table]
    found = facts_of(results)["strategies"]["reinforce"]
    duplicates = sum(one["number"] != one["trial"] for one in samples)
    assert (found["samples"], found["duplicates"]) == (len(samples), duplicates)
    assert found["duplicate_rate"] == duplicates / len(samples) > 0.05
    tenth = len(samples) // 10
    assert found["entropy_start_nats"] == pytest.approx(
        fmean(s["entropy"] for s in samples[:tenth])
    )
    assert found["entropy_end_nats"] == pytest.approx(fmean(s["entropy"] for s in samples[-tenth:]))


def test_the_best_is_the_chosen_one_with_its_accuracies(finished):
    experiment, results = finished
    facts = facts_of(results)
    best, final = facts["best"], facts["final_training"]
    assert (best["trial"], best["chosen"]) == (0, True)
    assert final["test_accuracy"]["mean"] == pytest.approx((0.951 + 0.957 + 0.960) / 3)
    assert final["test_accuracy"]["sd"] == pytest.approx(stdev([0.951, 0.957, 0.960]))
    assert final["test_accuracy"]["n"] == 3
    rescored = json.loads((place_of(experiment) / "retrain/rescore/0.json").read_text())["rewards"]
    assert best["reward_with_new_seeds"]["mean"] == pytest.approx(fmean(rescored))
    assert best["reward_with_new_seeds"]["sd"] == pytest.approx(stdev(rescored))
    assert best["tokens"][0][0] == "layer 0/filter height"
    assert best["words"][-1].startswith("classifier")


def test_spread_between_architectures_and_between_seeds(finished):
    experiment, results = finished
    found = facts_of(results)["spread_of_rewards"]
    trained = [row["reward"] for row in stored(experiment, "reinforce") if row["status"] == "ok"]
    assert found["between_architectures"]["sd"] == pytest.approx(stdev(trained))
    files = sorted((place_of(experiment) / "retrain" / "rescore").glob("*.json"))
    variances = [stdev(json.loads(file.read_text())["rewards"]) ** 2 for file in files]
    assert found["between_seeds_of_one"]["sd"] == pytest.approx(fmean(variances) ** 0.5)
    assert found["between_seeds_of_one"]["architectures"] == 3


def test_the_summary_in_words_says_the_same(finished):
    _, results = finished
    text = (results / "summary.md").read_text()
    facts = facts_of(results)
    assert "0.9560 ± 0.0046 (n = 3)" in text
    assert facts["comparisons"][0]["sentence"] in text
    assert f"{facts['strategies']['reinforce']['duplicates']} (" in text
    assert all(f"- {line}" in text for line in facts["best"]["words"])
    assert "Unfinished" not in text and facts["finished"]


def test_tables_have_a_row_for_each_trial_and_point(finished):
    experiment, results = finished
    rows = read_csv(results / "trials.csv")
    assert Counter(row["strategy"] for row in rows) == {"reinforce": 40, "random": 40}
    by_trial = {int(row["trial"]): row for row in rows if row["strategy"] == "random"}
    for answer in stored(experiment, "random"):
        row = by_trial[answer["trial"]]
        assert float(row["reward"]) == answer["reward"]
        assert row["status"] == answer["status"]
        assert json.loads(row["architecture"])["type"] == "ConvNet"
    points = read_csv(results / "retrain.csv")
    assert [int(row["point"]) for row in points] == list(range(8))
    assert [row["chosen"] for row in points].count("True") == 1
    assert points[2]["chosen"] == "True" and float(points[2]["validation_accuracy"]) == 0.956
    assert points[5]["status"] == "diverged" and points[5]["validation_accuracy"] == ""


def test_test_data_is_in_no_table(finished, tmp_path):
    experiment, results = finished
    for name in ("retrain.csv", "trials.csv"):
        assert "test" not in (results / name).read_text().splitlines()[0]
    # Whatever the test accuracies are, the grid's table is the same.
    shutil.copytree(place_of(experiment).parent, tmp_path / "runs")
    other = experiment.model_copy(update={"runs": str(tmp_path / "runs")})
    for file in (place_of(other) / "retrain").glob("**/final/*.json"):
        write_json(file, json.loads(file.read_text()) | {"test_accuracy": 0.123})
    write_grid(tmp_path / "retrain.csv", Findings.of(other))
    assert (tmp_path / "retrain.csv").read_bytes() == (results / "retrain.csv").read_bytes()


def test_every_picture_can_be_opened(finished):
    _, results = finished
    pictures = [results / "best", *(results / "figures" / name for name in FIGURES)]
    for picture in pictures:
        with Image.open(picture.with_name(f"{picture.name}.png")) as image:
            image.load()
            assert min(image.size) > 200
    for name in FIGURES:
        data = (results / "figures" / f"{name}.pdf").read_bytes()
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
    assert ElementTree.parse(results / "best.svg").getroot().tag.endswith("svg")
    left = {path.name for path in results.rglob("*") if path.is_file()}
    expected = {
        "trials.csv",
        "top_models.csv",
        "retrain.csv",
        "final.csv",
        "summary.json",
        "summary.md",
        "best.svg",
        "best.png",
    }
    assert left == expected | {f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf")}
