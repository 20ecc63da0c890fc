"""What `analyse` leaves behind for experiments begun, failed and not begun."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nas_hpc.report import analyse, analysis
from nas_hpc.report.analysis import FIGURES
from nas_hpc.report.style import styled
from nas_hpc.report.summary import Findings, summary
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
