"""The curves of a search whose networks become deeper."""

import json

import pytest

from nas_hpc.report.activity_figures import entropy_and_duplicates
from nas_hpc.report.arms import read_arms
from nas_hpc.report.reward_figures import reward_by_time, reward_by_trial
from nas_hpc.report.style import styled
from tests.report.laboratory import Course, experiment_in, make_search


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    experiment = experiment_in(
        tmp_path_factory.mktemp("growing"),
        space={"arguments": {"depth": 3}, "schedule": {"every": 10}},
    )
    make_search(experiment, "reinforce", Course(30))
    make_search(experiment, "random", Course(30, seed=1))
    return read_arms(experiment)


def test_the_depth_is_stored_with_each_trial(arms):
    for arm in arms:
        assert [json.loads(row.arguments) for row in arm.rows] == [
            {"depth": 3 + 2 * (row.trial // 10)} for row in arm.rows
        ]


def marks(axes):
    """The x of dotted lines, and the texts that name them."""
    dotted = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    return dotted, [text.get_text().strip() for text in axes.texts if "depth" in text.get_text()]


def test_curves_mark_the_steps_of_the_schedule(arms):
    with styled():
        entropy = marks(entropy_and_duplicates(arms).axes[0])
        by_trial = marks(reward_by_trial(arms).axes[0])
        by_time, _ = marks(reward_by_time(arms).axes[0])
    assert entropy == ([10, 20], ["depth 5", "depth 7"])
    assert by_trial == ([11, 21], ["depth 5", "depth 7"])
    ended = {row.trial: row for row in arms[0].rows}
    spent = dict(zip([row.trial for row in arms[0].answers], arms[0].spent, strict=True))
    assert [round(x) for x in by_time] == [round(spent[trial]) for trial in (10, 20)]
    assert json.loads(ended[10].arguments) == {"depth": 5}


def test_without_a_schedule_there_are_no_marks(tmp_path):
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(12))
    with styled():
        assert marks(reward_by_trial(read_arms(experiment)).axes[0]) == ([], [])
