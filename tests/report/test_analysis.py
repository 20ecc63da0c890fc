"""What `analyse` leaves behind, for experiments finished, begun, failed and not begun."""

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import fmean, stdev
from xml.etree import ElementTree

import h5py
import pytest
from PIL import Image
from scipy.stats import mannwhitneyu

from nas_hpc.report import analyse, analysis
from nas_hpc.report.analysis import FIGURES
from nas_hpc.report.style import styled
from nas_hpc.report.summary import Findings, summary
from nas_hpc.report.tables import write_grid
from nas_hpc.report.words import markdown
from nas_hpc.store import write_json
from tests.report.laboratory import (
    Course,
    experiment_in,
    make_retraining,
    make_search,
    outcome,
    place_of,
    record,
    sample,
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


def test_unfinished_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "FIGURES", {"reward_by_trial": FIGURES["reward_by_trial"]})
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(3, ends=""))
    results = tmp_path / "results"
    analyse(experiment, results)
    first = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    assert "REINFORCE is unfinished: 3 of 30 trials so far." in (results / "summary.md").read_text()
    assert "Random search has not begun." in (results / "summary.md").read_text()
    assert not facts_of(results)["finished"]
    analyse(experiment, results)
    assert {path: path.read_bytes() for path in first} == first


def test_unfinished_is_said_on_the_figures(tmp_path, monkeypatch):
    said = {}
    monkeypatch.setattr(
        analysis, "save", lambda figure, path, *_: said.update({path.name: texts(figure)})
    )
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(3, ends=""))
    analyse(experiment, tmp_path / "results")
    trials = "Random search has not begun.\nREINFORCE is unfinished: 3 of 30 trials so far."
    training = "The final training is unfinished: 0 of 3 runs so far."
    for name in FIGURES:
        assert (training if name in ("rescore", "grid", "final") else trials) in said[name]


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def draw_all(findings: Findings) -> dict[str, list[str]]:
    """Draw every figure, as saving it would; what is written in each."""
    written = {}
    with styled():
        for name, make in FIGURES.items():
            figure = make(findings)
            figure.draw_without_rendering()
            written[name] = texts(figure)
    return written


def test_nothing_has_begun(tmp_path):
    findings = Findings.of(experiment_in(tmp_path))
    facts = summary(findings)
    assert facts["best"] is None and facts["strategies"] == {} and not facts["finished"]
    assert "No network has been trained yet." in markdown(facts)
    written = draw_all(findings)
    assert "No trial has ended yet" in written["reward_by_trial"]
    assert "No sample yet" in written["entropy_and_duplicates"]
    assert "No point of the grid has been trained yet" in written["grid"]
    assert "No final training has ended yet" in written["final"]


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_a_few_trials_and_nothing_to_compare_with(tmp_path, trials):
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(trials, ends=""))
    findings = Findings.of(experiment)
    best = summary(findings)["best"]
    assert best["reward_in_search"] == max(findings.search.rewards)
    assert summary(findings)["comparisons"] == []
    labels = draw_all(findings)["reward_by_trial"]
    assert f"REINFORCE, best so far {best['reward_in_search']:.3f}" in labels


def test_all_trials_failed(tmp_path):
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(4, fails=1, ends=""))
    make_search(experiment, "random", Course(4, fails=1, ends=""))
    findings = Findings.of(experiment)
    facts = summary(findings)
    assert facts["best"] is None
    assert facts["strategies"]["reinforce"]["failures_by_status"] == {"diverged": 4}
    assert not facts["comparisons"][0]["significant"]
    assert "No network has been trained yet" in draw_all(findings)["reward_by_time"][0]


def test_only_samples_so_far(tmp_path):
    experiment = experiment_in(tmp_path)
    record(experiment, "reinforce", [sample(0), sample(1)])
    facts = summary(Findings.of(experiment))
    assert facts["strategies"]["reinforce"]["in_flight"] == 2
    assert "it has not" in markdown(facts)
    draw_all(Findings.of(experiment))


def test_a_child_that_names_no_accuracy(tmp_path):
    experiment = experiment_in(tmp_path)
    record(experiment, "reinforce", [sample(0), outcome(0, -3.5, metrics={}), sample(1)])
    facts = summary(Findings.of(experiment))
    assert facts["best"]["reward_in_search"] == -3.5
    assert "| Parameters" in markdown(facts)
    draw_all(Findings.of(experiment))


def test_final_runs_that_failed_are_told_and_do_not_count(tmp_path):
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(3))
    make_retraining(experiment, [0, 1, 2])
    failed = {"seed_number": 0, "status": "diverged", "test_accuracy": None, "seconds": 9.0}
    write_json(place_of(experiment) / "retrain" / "final" / "0.json", failed)
    facts = summary(Findings.of(experiment))
    assert facts["final_training"]["test_accuracy"]["n"] == 2
    assert "1 of 3" in markdown(facts)


def test_before_the_choice_the_best_is_the_best_with_new_seeds(tmp_path):
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(4))
    make_retraining(experiment, [2, 1, 0])
    chosen = place_of(experiment) / "retrain" / "chosen.json"
    write_json(chosen, json.loads(chosen.read_text()) | {"trial": 1})
    best = summary(Findings.of(experiment))["best"]
    assert (best["trial"], best["chosen"]) == (1, True)
    chosen.unlink()
    best = summary(Findings.of(experiment))["best"]
    assert (best["trial"], best["chosen"]) == (2, False)


def test_a_damaged_file_is_named(tmp_path):
    experiment = experiment_in(tmp_path)
    make_retraining(experiment, [0])
    (place_of(experiment) / "retrain" / "chosen.json").write_text("{")
    with pytest.raises(ValueError, match=r"chosen\.json is damaged"):
        Findings.of(experiment)


def test_a_spaces_own_portrait_is_found(tmp_path):
    code = tmp_path / "space.py"
    code.write_text(
        "from nas_hpc.report.portraits import PLAIN, Portrait, register\n"
        "from nas_hpc.spaces import Space\n"
        "register('Chain', Portrait(lambda data, task: ['my words'], PLAIN.line, PLAIN.draw))\n"
        "space = Space('chain', (), lambda: iter(()))\n"
    )
    experiment = experiment_in(tmp_path, space={"name": f"{code}:space"})
    chain = json.dumps({"type": "Chain"})
    record(experiment, "reinforce", [sample(0, architecture=chain), outcome(0)])
    assert summary(Findings.of(experiment))["best"]["words"] == ["my words"]


def test_status_and_show_need_no_matplotlib_and_nothing_needs_torch():
    program = (
        "import sys, nas_hpc.report.live, nas_hpc.report.terminal\n"
        "assert not {'matplotlib', 'scipy', 'torch'} & sys.modules.keys()\n"
        "import nas_hpc.report.analysis\n"
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
