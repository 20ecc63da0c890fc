import math

import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.report.arms import Arm, as_run_by, read_arms, strategies, thirds, title
from nas_hpc.store import Event, RunFolder, SearchLog, SlotUse, write_json
from tests.report.laboratory import START, experiment_in, outcome, record, sample


def arm_of(place, trials=(), events=(), samples=None, **changes) -> Arm:
    samples = [sample(o.trial) for o in trials] if samples is None else samples
    log = SearchLog(tuple(samples), tuple(trials), (), tuple(events))
    return Arm("reinforce", experiment_in(place, **changes), log)


def begun(at: float, kind: str = "started") -> Event:
    return Event(kind, "process 1 on lab", START + at)


def test_answers_come_in_the_order_of_recording(tmp_path):
    arm = arm_of(tmp_path, [outcome(2, 0.2), outcome(0, 0.9), outcome(1, 0.9)])
    assert [row.trial for row in arm.answers] == [2, 0, 1]
    assert arm.rewards == [0.2, 0.9, 0.9]


def test_ranking_has_the_earlier_of_equals_first_and_no_failures(tmp_path):
    failed = outcome(3, 1.0, status="diverged")
    arm = arm_of(tmp_path, [outcome(2, 0.2), outcome(1, 0.9), failed, outcome(0, 0.9)])
    assert [row.trial for row in arm.ranking] == [0, 1, 2]


def test_duplicates_are_samples_of_a_known_architecture(tmp_path):
    again = [sample(1, trial=0), sample(3, trial=2), sample(4, trial=0)]
    assert arm_of(tmp_path, samples=[sample(0), sample(2), *again]).duplicates == 3


@pytest.mark.parametrize(
    ("events", "trials", "reason", "done"),
    [
        ([begun(0)], 2, "", False),
        ([begun(0), Event("ended", "budget spent", START + 9)], 2, "budget spent", True),
        ([begun(0), Event("ended", "budget spent", START + 9)], 1, "budget spent", False),
        ([begun(0), Event("ended", "stopped", START + 9)], 1, "stopped", False),
        ([begun(0), Event("ended", "stopped", START), begun(9, "resumed")], 1, "", False),
    ],
)
def test_why_it_ended_and_whether_it_is_done(tmp_path, events, trials, reason, done):
    outcomes = [outcome(number) for number in range(trials)]
    arm = arm_of(tmp_path, outcomes, events, budget={"trials": 2})
    assert (arm.reason, arm.done) == (reason, done)


@pytest.mark.parametrize(("known_in_a_row", "done"), [(3, True), (4, False)])
def test_a_collapsed_search_goes_on_only_when_more_known_samples_are_allowed(
    tmp_path, known_in_a_row, done
):
    samples = [sample(0), sample(1), *(sample(number, trial=0) for number in (2, 3, 4))]
    ended = [begun(0), Event("ended", "policy collapsed", START + 9)]
    budget = {"trials": 9, "known_in_a_row": known_in_a_row}
    arm = arm_of(tmp_path, [outcome(0)], ended, samples=samples, budget=budget)
    assert arm.done is done


def test_pauses_do_not_count_as_running(tmp_path):
    # Runs 0-40 and 1000-1030 on two slots; the second outcome lasts through the pause.
    outcomes = [
        outcome(0, started=START + 10, ended=START + 40),
        outcome(1, started=START + 30, ended=START + 1020),
        outcome(2, started=START + 1010, ended=START + 1030),
    ]
    arm = arm_of(tmp_path, outcomes, [begun(0), begun(1000, "resumed")])
    assert arm.spans == [(START, START + 40), (START + 1000, START + 1030)]
    assert arm.wall_seconds == 70
    busy = 30 + 10 + 20 + 20  # what lies within the two spans
    assert arm.utilisation == pytest.approx(busy / (2 * 70))
    assert arm.slot_seconds == 30 + 990 + 20


def test_the_debug_executor_has_one_slot(tmp_path):
    assert arm_of(tmp_path, slots={"executor": "debug", "count": 5}).slots == 1


def test_an_arm_that_has_recorded_nothing(tmp_path):
    arm = arm_of(tmp_path)
    assert (arm.spans, arm.wall_seconds, arm.utilisation, arm.ranking) == ([], 0, None, [])


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [([], [], []), ([7], [7], [7]), ([1, 2, 3, 4, 5], [1], [5]), ([*range(6)], [0, 1], [4, 5])],
)
def test_thirds(values, first, last):
    assert thirds(values) == (first, last)


def test_arms_are_read_in_the_order_of_the_configuration(tmp_path):
    experiment = experiment_in(tmp_path, compare_with=("random", "reinforce"))
    assert strategies(experiment) == ["reinforce", "random"]
    assert read_arms(experiment) == []
    record(experiment, "random", [sample(0)])
    assert [arm.strategy for arm in read_arms(experiment)] == ["random"]
    record(experiment, "reinforce", [sample(0)])
    assert [arm.strategy for arm in read_arms(experiment)] == ["reinforce", "random"]


def test_own_strategies_are_called_by_their_name():
    assert title("/home/me/mine.py:evolution") == "evolution"


def test_slots_of_a_cluster_are_as_many_as_there_were_at_a_time():
    def life(number: int, started: float, ended: float) -> SlotUse:
        return SlotUse(f"{number}", f"7_{number}", "n1", 1.0, 0.0, started, ended, "COMPLETED")

    lives = (life(0, 0.0, 10.0), life(1, 5.0, 20.0), life(2, 10.0, 30.0), life(3, math.nan, 30.0))
    arm = Arm("random", Experiment(name="any"), SearchLog(slots=lives))
    assert arm.slots == 2
    # Two more that live on, of which the attempts are known.
    attempts = [outcome(k, slot=f"{9 - k % 2}", started=11.0 + k, ended=12.0 + k) for k in range(4)]
    living = SearchLog(slots=lives, outcomes=tuple(attempts))
    assert Arm("random", Experiment(name="any"), living).slots == 4


def test_slots_are_those_that_the_search_was_started_with(tmp_path):
    asked = Experiment(name="any", runs=str(tmp_path), slots={"count": 7})
    folder = RunFolder.of(asked)
    folder.create()
    write_json(folder.experiment, asked.model_dump(mode="json"))
    now = Experiment(name="any", runs=str(tmp_path), slots={"count": 2})
    assert as_run_by(now, now.search.strategy).slots.count == 7
    assert as_run_by(now, "random").slots.count == 2  # it has not begun
