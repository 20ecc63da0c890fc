"""The dispatcher under random orders of events, deaths and failures, in simulated time."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_hpc.experiment import Experiment
from nas_hpc.spaces import Choice, Kind, Space
from nas_hpc.store import Ending, Outcome, Sample, Update
from nas_hpc.store.ending import (
    BROKEN,
    COLLAPSED,
    COMPLETE,
    DEVICE_HOURS,
    STOPPED,
    TOO_MANY_SAMPLES,
)
from tests.search.simulation import World

STEP = Kind("step", (0, 1, 2, 3))


@dataclass(frozen=True)
class Steps:
    steps: tuple[int, ...]


def steps(length):
    taken = []
    for i in range(length):
        taken.append((yield Choice(STEP, f"step {i}")))
    return Steps(tuple(taken))


SPACE = Space("steps", (STEP,), steps, static=True)


def world(seed=0, statuses=lambda trial, attempt: "ok", length=3, **sections) -> World:
    data = {
        "name": "simulated",
        "seed": seed,
        "space": {"name": "tests:steps", "arguments": {"length": length}},
        "search": {"children_per_replica": 3, "replicas": 4, "shards": 2},
        "budget": {"trials": 20},
        "slots": {"count": 2},
    }
    for section, values in sections.items():
        data[section] = data.get(section, {}) | values
    return World(Experiment.model_validate(data), SPACE, random.Random(seed), statuses)


def check_invariants(world: World) -> None:
    """What holds of every search, however its events were ordered."""
    log = world.log()
    samples = {s.number: s for s in log.samples}
    assert len(samples) == len(log.samples), "a number was given twice"
    answered = [o.trial for o in log.outcomes if o.answers]
    assert len(set(answered)) == len(answered), "a trial was answered twice"
    keys = [samples[trial].key for trial in answered]
    assert len(set(keys)) == len(keys), "a duplicate was trained"
    assert len(answered) <= world.experiment.budget.trials
    assert [u.ticket for u in log.updates] == list(range(1, len(log.updates) + 1))
    taught = Counter(number for u in log.updates for number in u.samples)
    assert set(taught.values()) <= {1}, "a sample was learned from twice"
    rewards = {o.trial: o.reward for o in log.outcomes if o.answers}
    expected = {s.number for s in log.samples if s.trial in rewards}
    assert set(taught) == expected, "every sample with a reward is learned from"
    for update in log.updates:
        assert [rewards[samples[n].trial] for n in update.samples] == list(update.rewards)
        assert {samples[n].replica for n in update.samples} == {update.replica}


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    replicas=st.integers(1, 5),
    size=st.integers(1, 4),
    mode=st.sampled_from(["paper", "barrier-free"]),
    failing=st.sampled_from([0.0, 0.1, 0.4]),
    deaths=st.lists(st.integers(0, 60), max_size=4),
)
def test_any_order_of_events(seed, replicas, size, mode, failing, deaths):
    chance = random.Random(seed)
    fates = {}

    def statuses(trial, attempt):
        kinds = ["diverged", "out of memory", "killed", "lost"]
        if (trial, attempt) not in fates:
            bad = chance.random() < failing
            fates[trial, attempt] = chance.choice(kinds) if bad else "ok"
        return fates[trial, attempt]

    search = {"children_per_replica": size, "replicas": replicas, "mode": mode, "shards": 1}
    search |= {"replica_ranks": 1, "server_ranks": 1}
    simulated = world(seed, statuses, search=search)
    reason = None
    for session, die_after in enumerate([*deaths, None], start=1):
        reason = simulated.run(replicas, session, die_after)
    assert reason in (COMPLETE, BROKEN)
    check_invariants(simulated)
    answered = {o.trial for o in simulated.log().outcomes if o.answers}
    if reason == COMPLETE:
        assert len(answered) == 20
    if mode == "paper" and reason == COMPLETE:
        lessons = [len(u.samples) for u in simulated.log().updates]
        assert max(lessons) <= size


def test_one_replica_waits_for_its_batch():
    simulated = world(search={"children_per_replica": 4, "replicas": 1, "replica_ranks": 1})
    simulated.run(1, 1)
    records = simulated.records
    for update in (r for r in records if isinstance(r, Update)):
        assert list(update.samples) == sorted(update.samples)
        later = [s for s in records if isinstance(s, Sample) and s.number > max(update.samples)]
        assert all(records.index(update) < records.index(s) for s in later)


def test_barrier_free_keeps_its_children_in_flight():
    search = {"children_per_replica": 4, "replicas": 1, "replica_ranks": 1, "mode": "barrier-free"}
    simulated = world(search=search, length=6)
    simulated.run(1, 1)
    kinds = [type(r).__name__ for r in simulated.records]
    first_lesson = kinds.index("Update")
    assert kinds[:first_lesson].count("Sample") > 4, "finished children are replaced at once"
    check_invariants(simulated)


def test_a_single_strategy_fills_as_many_slots_as_all_replicas_would():
    search = {"children_per_replica": 3, "replicas": 4}
    simulated = world(search=search, length=8)
    simulated.replicated = False
    assert simulated.run(4, 1) == COMPLETE
    first = [r for r in simulated.records if isinstance(r, Sample) and r.batch == 0]
    assert len(first) == 12
    assert all(len(update.samples) == 1 for update in simulated.log().updates)
    check_invariants(simulated)


def test_duplicates_are_learned_from_but_not_trained_nor_charged():
    simulated = world(length=2, budget={"trials": 14, "samples_per_trial": 100})
    assert simulated.run(4, 1) == COMPLETE
    log = simulated.log()
    assert len(log.samples) > 14
    assert len(simulated.enqueued) == 14
    check_invariants(simulated)


def test_a_collapsed_policy_ends_the_search():
    simulated = world(length=1, budget={"trials": 20, "known_in_a_row": 30})
    assert simulated.run(4, 1) == COLLAPSED
    assert len([o for o in simulated.log().outcomes if o.answers]) == 4


def test_the_number_of_samples_is_bounded():
    budget = {"trials": 20, "known_in_a_row": 1000, "samples_per_trial": 2}
    simulated = world(length=1, budget=budget)
    assert simulated.run(4, 1) == TOO_MANY_SAMPLES
    assert len(simulated.log().samples) == 40


def hours_world(statuses=lambda trial, attempt: "ok", **budget) -> World:
    """Attempts of half an hour on two of the devices: an hour of them each; four in flight."""
    search = {"children_per_replica": 2, "replicas": 2, "replica_ranks": 1, "server_ranks": 1}
    simulated = world(length=8, statuses=statuses, search=search, budget=budget)
    simulated.seconds, simulated.devices = 1800.0, 2.0
    return simulated


def test_nothing_new_is_asked_for_once_the_device_hours_are_spent():
    simulated = hours_world(device_hours=7.5)
    assert simulated.run(2, 1) == DEVICE_HOURS
    log = simulated.log()
    # Seven hours leave room for another sample; what is then in flight still ends.
    assert 8 <= len(log.outcomes) <= 8 + 3
    assert len(log.outcomes) == len(log.samples) == len(simulated.enqueued)
    check_invariants(simulated)


def test_failed_attempts_spend_device_hours_too():
    simulated = hours_world(lambda t, a: "lost" if a == 1 else "ok", device_hours=7.5)
    assert simulated.run(2, 1) == DEVICE_HOURS
    outcomes = simulated.log().outcomes
    assert len(outcomes) >= 8
    assert 4 <= sum(outcome.answers for outcome in outcomes) <= 4 + 3


def test_device_hours_are_counted_over_all_sessions_and_may_grow():
    simulated = hours_world(device_hours=7.5)
    for session in range(1, 4):
        assert simulated.run(2, session, die_after=5) is None
    assert simulated.run(2, 4) == DEVICE_HOURS
    log, budget = simulated.log(), simulated.experiment.budget
    assert 8 <= len(log.outcomes) <= 8 + 3
    assert Ending.of(log, budget).done
    for hours in (11.5, None):
        grown = budget.model_copy(update={"device_hours": hours})
        assert not Ending.of(log, grown).done
        simulated.experiment = simulated.experiment.model_copy(update={"budget": grown})
        assert simulated.run(2, 5) == (DEVICE_HOURS if hours else COMPLETE)
        log = simulated.log()
        assert Ending.of(log, grown).done
        assert len(log.outcomes) == 20 if hours is None else 12 <= len(log.outcomes) <= 12 + 3
    check_invariants(simulated)


def test_a_budget_of_trials_that_is_complete_says_so_whatever_it_cost():
    simulated = hours_world(device_hours=20, trials=20)
    assert simulated.run(2, 1) == COMPLETE
    assert len(simulated.log().outcomes) == 20


def test_killed_beside_others_is_tried_once_more_alone():
    simulated = world(length=8, statuses=lambda trial, _: "killed" if trial == 5 else "ok")
    assert simulated.run(4, 1) == COMPLETE
    of_five = [o for o in simulated.log().outcomes if o.trial == 5]
    assert [o.status for o in of_five] == ["killed", "out of memory"]
    assert of_five[1].reward == simulated.experiment.reward.failure
    assert "alone" in of_five[1].reason


@pytest.mark.parametrize("count", [1, 2])
def test_to_be_alone_is_asked_where_there_are_neighbours(count):
    """And of just those attempts that follow one that was killed."""
    statuses = {1: "killed", 2: "lost"}
    simulated = world(
        statuses=lambda t, a: statuses.get(a, "ok") if t % 3 == 0 else "ok", slots={"count": count}
    )
    asked = []
    original = simulated.train

    def train(spec):
        asked.append((spec.trial % 3, simulated.attempts.get(spec.trial, 0) + 1, spec.alone))
        return original(spec)

    simulated.train = train
    assert simulated.run(4, 1) == COMPLETE
    assert {each[:2] for each in asked} == {(0, 1), (0, 2), (0, 3), (1, 1), (2, 1)}
    assert {each[:2] for each in asked if each[2]} == ({(0, 2)} if count > 1 else set())


def test_a_lost_trial_is_no_answer_and_is_bounded():
    simulated = world(length=8, statuses=lambda trial, _: "lost" if trial == 3 else "ok")
    assert simulated.run(4, 1) == COMPLETE
    outcomes = simulated.log().outcomes
    assert [o.status for o in outcomes if o.trial == 3] == ["lost"] * 3
    assert len([o for o in outcomes if o.answers]) == 20
    check_invariants(simulated)


def test_an_architecture_lost_again_and_again_can_be_resumed():
    simulated = world(length=1, slots={"attempts": 2}, budget={"trials": 4})
    original = simulated.train

    def train(spec):
        outcome = original(spec)
        lost = dict(spec.tokens)["step 0"] == 0
        return replace(outcome, status="lost", reward=float("nan")) if lost else outcome

    simulated.train = train
    for session in range(1, 6):
        if simulated.run(4, session, die_after=40) is not None:
            break
        check_invariants(simulated)
    lost = {o.trial for o in simulated.log().outcomes if o.status == "lost"}
    assert len(lost) > 1, "the architecture was not sampled again"


def test_a_judged_outcome_that_was_not_acknowledged_is_not_repeated_for_ever():
    def statuses(trial, attempt):
        return "out of memory" if trial == 2 and attempt == 1 else "ok"

    simulated = world(length=8, statuses=statuses)
    for session in range(1, 400):  # each dies after its first event, with nothing acknowledged
        simulated.run(4, session, die_after=1)
        if any(o.trial == 2 for o in simulated.log().outcomes):
            break
    assert 2 in simulated.finished, "it died between the record and its acknowledgement"
    assert simulated.run(4, 400) == COMPLETE
    assert [o.status for o in simulated.log().outcomes if o.trial == 2] == ["killed", "ok"]
    check_invariants(simulated)


def test_children_that_cannot_run_end_the_search():
    simulated = world(statuses=lambda trial, attempt: "lost")
    assert simulated.run(4, 1) == BROKEN
    assert len(simulated.enqueued) < 40


def test_drain_ends_with_everything_learned():
    simulated = world()
    assert simulated.run(4, 1, drain_after=25) == STOPPED
    check_invariants(simulated)
    assert simulated.run(4, 2) == COMPLETE
    check_invariants(simulated)


def test_a_second_copy_of_an_outcome_changes_nothing():
    simulated = world()
    simulated.run(4, 1)
    machine = simulated.machine
    commands = machine.ended(Outcome(0, "ok", 123.0, attempt=2), 0.0)
    assert [type(c).__name__ for c in commands] == ["Acknowledge"]
