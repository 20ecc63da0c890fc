"""Costs against numbers made by hand."""

import math

import pytest

from nas_hpc.cluster import sacct
from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.report.arms import Arm
from nas_hpc.report.costs import cost_of
from nas_hpc.report.equal_cost import EqualCost
from nas_hpc.report.ledger import Ledger
from nas_hpc.report.summary import Findings, summary
from nas_hpc.report.words import markdown
from nas_hpc.store import Event, SearchLog, SlotUse
from tests.report.laboratory import START, experiment_in, outcome, record, sample


def life(slot: str, submitted: float, started: float, ended: float, **changes) -> SlotUse:
    values = {"job": "", "host": "lab", "devices": 0.5, "state": "COMPLETED"} | changes
    times = {"submitted": START + submitted, "started": START + started, "ended": START + ended}
    return SlotUse(slot, **times, **values)


def attempt(trial: int, slot: str, started: float, ended: float, **changes):
    times = {"started": START + started, "ended": START + ended}
    return outcome(trial, slot=slot, **({"devices": 0.5} | times | changes))


LOST = {"status": "lost", "reward": math.nan}
LOG = SearchLog(
    samples=tuple(sample(n, time=START + n) for n in range(5)),
    outcomes=(
        attempt(0, "a", 20, 60),  # waited 20 s since it was sampled
        attempt(1, "a", 70, 90, **LOST),  # 69 s
        attempt(1, "b", 110, 130),
        attempt(2, "a", 210, 250, status="diverged"),  # 208 s, in the slot's second life
        attempt(3, "c", 203, 243),  # 200 s; the slot lives on
        attempt(4, "b", 30, 32, status="killed", reward=math.nan),  # 26 s
    ),
    slots=(
        life("a", 0, 10, 100, job="7_1", state="PREEMPTED"),
        life("b", 0, 30, 150, job="7_2"),
        life("a", 100, 200, 260, job="7_1"),
        life("d", 5, math.nan, 90, job="7_3", host="", state="CANCELLED"),
    ),
)


def test_every_sum():
    ledger = Ledger.of(LOG)
    assert ledger.lives == (90 + 120 + 60) / 2
    assert ledger.elsewhere == 40 / 2
    assert ledger.used == 135 + 20
    assert ledger.useful == (40 + 20 + 40 + 40) / 2
    assert ledger.wasted == {"lost": 10, "killed": 1}
    assert ledger.attempts == 70 + 11
    assert ledger.idle == 135 - (81 - 20)
    assert ledger.used == ledger.useful + sum(ledger.wasted.values()) + ledger.idle
    assert ledger.utilisation == pytest.approx((81 - 20) / 135)
    assert ledger.jobs == {"7_1", "7_2", "7_3"}


def test_waits_are_those_of_slots_that_started_and_of_first_attempts():
    ledger = Ledger.of(LOG)
    slots, trials = ledger.slot_waits, ledger.trial_waits
    assert (slots.n, slots.median, slots.longest) == (3, 30, 100)
    assert (trials.n, trials.median, trials.longest) == (5, 69, 208)


def test_without_lives_the_attempts_are_what_was_used():
    ledger = Ledger.of(SearchLog(LOG.samples, LOG.outcomes))
    assert (ledger.used, ledger.idle, ledger.utilisation) == (81, 0, None)
    assert ledger.slot_waits is None


def test_nothing_yet():
    ledger = Ledger.of(SearchLog())
    assert (ledger.used, ledger.wasted, ledger.trial_waits) == (0, {}, None)


def test_the_summary_tells_the_cost(tmp_path):
    experiment = experiment_in(tmp_path)
    local = [SlotUse(**vars(use) | {"job": ""}) for use in LOG.slots]
    started = Event("started", "", START)
    record(experiment, "reinforce", [started, *LOG.samples, *LOG.outcomes, *local])
    facts = summary(Findings.of(experiment))
    cost = facts["strategies"]["reinforce"]["cost"]
    assert (cost["device_seconds"], cost["idle"], cost["slurm"]) == (155, 74, None)
    text = markdown(facts)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["Device-hours", "0.0431"] in rows
    assert ["of attempts that failed", "0.00278 lost, 0.000278 killed"] in rows
    assert ["Share of the slots' lives spent training", "45%"] in rows
    assert ["Slots' time in the queue, median (longest)", "30.0 s (1.7 min)"] in rows
    assert "accounted" not in text


def test_what_sacct_says_is_added_up():
    """Tasks of others and steps are left out; a requeued task has two lines."""
    lines = """7_1|90|billing=2,cpu=2,gres/gpu=2,mem=500M,node=1
7_1|60|billing=2,cpu=2,gres/gpu=2,mem=500M,node=1
7_2|120|cpu=2,mem=500M,node=1
7_3|0|
7_4|50|cpu=2,gres/gpu=1
8_1|10|cpu=1
"""
    assert sacct.total(lines, {"7_1", "7_2", "7_3", "9_1"}) == sacct.Accounted(3, 300 + 120)


def test_a_summary_without_accounting_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoAnswer):
        sacct.accounted({"7_1"})
    found = cost_of(Ledger.of(LOG))["slurm"]
    assert found["tasks_asked_for"] == 3 and "sacct" in found["why_not"]
    experiment = experiment_in(tmp_path)
    record(experiment, "reinforce", [*LOG.samples, *LOG.outcomes, *LOG.slots])
    text = markdown(summary(Findings.of(experiment)))
    assert f"| {found['why_not']}" in text


def test_strategies_at_equal_cost(tmp_path):
    """The search is twice as dear: after 60 device-seconds it has three trials of the other's 6."""

    def arm(strategy: str, rewards, seconds: float, lost_first: bool = False) -> Arm:
        outcomes = [attempt(i, "a", 0, 2 * seconds, reward=r) for i, r in enumerate(rewards)]
        if lost_first:
            outcomes.insert(0, attempt(0, "a", 0, 2 * seconds, **LOST))
        samples = tuple(sample(i) for i in range(len(rewards)))
        return Arm(strategy, experiment_in(tmp_path), SearchLog(samples, tuple(outcomes)))

    search = arm("reinforce", [0.3, 0.5, 0.4, 0.9], 20)
    other = arm("random", [0.1, 0.2, 0.6, 0.2, 0.2, 0.2], 10)
    assert search.spent == [20, 40, 60, 80]
    found = EqualCost.of(search, other)
    assert (found.device_seconds, found.search_trials, found.other_trials) == (60, 3, 6)
    assert (found.search_best, found.other_best) == (0.5, 0.6)
    assert "At 0.0167 device-hours each, the best reward is 0.5000 for REINFORCE (3 trials)" in (
        found.sentence()
    )
    dearer = EqualCost.of(arm("reinforce", [0.3, 0.5, 0.4], 20, lost_first=True), other)
    assert (dearer.search_trials, dearer.search_best) == (2, 0.5)
    assert EqualCost.of(search, arm("random", [], 10)) is None
    assert EqualCost.of(arm("reinforce", [0.3], 100), arm("random", [0.1], 10)) is None
