import json
import os
import re
import time

import pytest

from tests.workflow.running import REPOSITORY, Workplace

pytestmark = pytest.mark.workflow

HERE = REPOSITORY / "tests" / "workflow"
NOTHING = "Nothing to be done"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The whole workflow, once; the tests below look at it and start it again."""
    place = Workplace(tmp_path_factory.mktemp("tiny"), HERE / "tiny.yaml")
    place.said = place.snakemake()
    return place


def read(path):
    return json.loads(path.read_text())


def planned(place):
    """How many jobs of each rule a dry run counts."""
    said = place.snakemake("--dry-run").partition("Job stats:")[2]
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)}


def test_one_command_leads_from_the_yaml_to_the_report(finished):
    assert len(finished.trials("reinforce")) == len(finished.trials("random")) == 8
    chosen = read(finished.run / "retrain" / "chosen.json")
    finals = [read(finished.run / "retrain" / "final" / f"{k}.json") for k in range(3)]
    assert {final["trial"] for final in finals} == {chosen["trial"]}
    assert all(0 <= final["test_accuracy"] <= 1 for final in finals)
    assert len(finished.trainings()) == 2 * 2 + 2 + 3
    report = (finished.results / "report.html").read_text()
    for name in ("best.svg", "reward_by_trial.png", "grid.png", "trials.csv"):
        assert (finished.results / name).exists() or (finished.results / "figures" / name).exists()
        assert name in report


def test_the_progress_of_the_search_shows_where_the_command_was_given(finished):
    assert "[tiny/reinforce] 8/8 trials" in finished.said
    log = (finished.run / "logs" / "search-reinforce.1.log").read_text()
    assert "[tiny/reinforce] 8/8 trials" in log


def test_searches_that_are_compared_take_turns(finished):
    spans = []
    for strategy in ("reinforce", "random"):
        started = [begun for _, begun in finished.trials(strategy)]
        spans.append((min(started), max(started)))
    first, second = sorted(spans)
    assert first[1] < second[0]


def test_the_same_command_again_has_nothing_to_do(finished):
    before = finished.trainings()
    assert NOTHING in finished.snakemake()
    os.utime(finished.yaml, (time.time() + 10, time.time() + 10))
    assert NOTHING in finished.snakemake()
    finished.yaml.write_text("# A remark.\n" + finished.yaml.read_text())
    assert NOTHING in finished.snakemake()
    assert finished.trainings() == before


def test_a_changed_key_reaches_only_the_rules_that_depend_on_it(finished):
    text = finished.yaml.read_text()
    finished.yaml.write_text(text.replace("epochs: 3", "epochs: 4"))
    jobs = planned(finished)
    finished.yaml.write_text(text)
    wanted = {"training_part": 5, "training": 5, "choose": 1, "analysis": 1, "report": 1}
    assert jobs == wanted | {"all": 1, "total": 14}


def test_a_contender_that_is_added_asks_for_its_own_trainings_only(finished):
    text = finished.yaml.read_text()
    finished.yaml.write_text(f"{text}  beside: [random]\n")
    jobs = planned(finished)
    finished.yaml.write_text(text)
    # Two candidates, two points, three seeds.
    wanted = {"candidates": 1, "training_part": 7, "training": 7, "shortlist": 1, "choose": 1}
    assert jobs == wanted | {"analysis": 1, "report": 1, "all": 1, "total": 20}


def test_an_edited_rule_publishes_again_and_trains_nothing(finished):
    trainings, trials = finished.trainings(), finished.trials("reinforce")
    names = ("search-reinforce.1", "grid-0-0.1", "grid-0-1.1")
    published = [finished.run / "done" / "parts" / f"{name}.json" for name in names]
    before = [(path.stat().st_mtime_ns, read(path)) for path in published]
    for name in ("search", "retrain"):
        rules = finished.folder / "workflow" / "rules" / f"{name}.smk"
        rules.write_text(rules.read_text().replace("nas-hpc ", "true; nas-hpc "))
    assert NOTHING in finished.snakemake()
    triggers = ["--rerun-triggers", "code", "mtime"]
    finished.snakemake(*triggers, target="runs/tiny/retrain/chosen.json")
    after = [(path.stat().st_mtime_ns, read(path)) for path in published]
    assert [found for _, found in after] == [found for _, found in before]
    assert all(new > old for (new, _), (old, _) in zip(after, before, strict=True))
    assert finished.trainings() == trainings
    assert finished.trials("reinforce") == trials


def test_a_grown_budget_lets_a_finished_search_go_on(finished):
    text, before = finished.yaml.read_text(), finished.trials("reinforce")
    finished.yaml.write_text(text.replace("trials: 8", "trials: 10"))
    marker = finished.run / "done" / "search-reinforce.json"
    finished.snakemake(target=str(marker.relative_to(finished.folder)))
    assert read(marker)["trials"] == 10
    assert finished.trials("reinforce")[:8] == before
    finished.yaml.write_text(text)


def test_own_code_beside_the_yaml_goes_all_the_way(tmp_path):
    place = Workplace(tmp_path, HERE / "own" / "mine.yaml")
    (tmp_path / "mine.py").write_text((HERE / "own" / "mine.py").read_text())
    place.snakemake()
    assert len(place.trials("reinforce")) == len(place.trials("OtherSeed")) == 8
    for retrain in (place.run / "retrain", place.run / "retrain" / "beside" / "OtherSeed"):
        assert read(retrain / "final" / "0.json")["test_accuracy"] > 0.5
    assert (place.results / "report.html").is_file()


def test_a_wrong_key_is_named_before_anything_starts(tmp_path):
    place = Workplace(tmp_path, HERE / "tiny.yaml")
    place.yaml.write_text(place.yaml.read_text() + "slot: {count: 3}\n")
    said = place.snakemake(code=1)
    assert "tiny.yaml: slot is not a key; allowed here: name, title, seed" in said
    assert "Traceback" not in said
    assert not place.run.exists() and not place.results.exists()
