"""Rows of trials against a small search written down by hand."""

import math

import pytest

from nas_hpc.report.trials import trial_rows
from nas_hpc.store import SearchLog
from tests.report.laboratory import START, experiment_in, outcome, sample, update


@pytest.fixture
def rows(tmp_path):
    """Trials 0 (killed once, then ok), 1 (diverged), 4 (in flight); 2 and 3 repeat trial 0."""
    experiment = experiment_in(tmp_path, controller={"gradients_per_update": 2})
    samples = [
        sample(1, version=1, entropy=3.0),
        sample(0, version=0, log_probability=-2.5),
        sample(2, trial=0, version=1),
        sample(3, trial=0, version=1),
        sample(4, version=2),
    ]
    killed = outcome(0, math.nan, status="killed", started=START, ended=START + 4, metrics={})
    metrics = {"validation_accuracy": [0.99, 0.7, 0.8, 0.6], "parameters": 12}
    times = {"started": START + 9, "ended": START + 29}
    again = outcome(0, 0.5, attempt=2, metrics=metrics, devices=0.5, **times)
    diverged = outcome(1, 0.0, status="diverged", reason="loss nan", metrics={})
    log = SearchLog(
        samples=tuple(samples),
        outcomes=(killed, diverged, again),
        # Two gradients make one version: ticket 2 is added to version 0, ticket 6 to version 2.
        updates=(update(2, [0], [0.5], START), update(6, [1, 2], [0.0, 0.5], START)),
    )
    experiment = experiment.model_copy(
        update={"reward": experiment.reward.model_copy(update={"last_epochs": 3})}
    )
    return {row.trial: row for row in trial_rows("reinforce", experiment, log)}


def test_one_row_for_each_trial_in_order(rows):
    assert list(rows) == [0, 1, 4]
    assert [row.samples for row in rows.values()] == [3, 1, 1]


def test_all_attempts_cost_and_the_last_one_tells(rows):
    row = rows[0]
    assert (row.status, row.attempts, row.reward) == ("ok", 2, 0.5)
    assert row.slot_seconds == 4 + 20
    assert row.device_seconds == 4 + 20 / 2
    assert row.queue_seconds == 0
    assert (row.started, row.ended) == (START, START + 29)
    assert row.parameters == 12


def test_accuracy_is_the_one_that_the_reward_is_made_of(rows):
    assert rows[0].validation == 0.8  # the 0.99 is four epochs back


def test_failures_keep_their_reason(rows):
    row = rows[1]
    assert row.queue_seconds == 10 - 1  # sampled a second after the start, begun after ten
    assert (row.status, row.reason, row.reward, row.failed) == ("diverged", "loss nan", 0.0, True)
    assert row.validation is None and row.parameters is None


def test_trials_in_flight_have_no_outcome(rows):
    row = rows[4]
    assert (row.status, row.reward, row.attempts, row.slot_seconds) == ("in flight", None, 0, 0)
    assert row.queue_seconds is None and row.device_seconds == 0
    assert row.started is None and not row.failed and not row.answered


def test_staleness_counts_updates_between_sampling_and_learning(rows):
    assert rows[0].staleness == 0
    assert rows[1].staleness == 2 - 1
    assert rows[4].staleness is None


def test_a_strategy_without_versions_has_no_staleness(tmp_path):
    log = SearchLog(samples=(sample(0),), updates=(update(3, [0], [0.5], START),))
    assert trial_rows("random", experiment_in(tmp_path), log)[0].staleness is None


def test_what_was_lost_has_no_reward(tmp_path):
    lost = outcome(0, math.nan, status="lost", reason="node failed", metrics={})
    row = trial_rows("random", experiment_in(tmp_path), SearchLog((sample(0),), (lost,)))[0]
    assert (row.reward, row.failed) == (None, True)
