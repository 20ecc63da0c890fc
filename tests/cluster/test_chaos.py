"""Slots, children and sessions are killed at random; every trial has its answer in the end."""

import os
import random
import signal
import time

import pytest

from nas_hpc.cluster import asked, spool
from tests.cluster.lab import Lab, until
from tests.cluster.test_pool import light_submission

TRIALS = 150
KILLS = 25


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_killed_every_trial_is_answered_once(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(asked, "command", light_submission)
    chance = random.Random(seed)
    lab = Lab(tmp_path, count=3)
    pool = lab.pool()
    recorded: dict[tuple[int, int], str] = {}  # what a store keeps, over all sessions
    pool.enqueue([lab.spec(trial, "work") for trial in range(TRIALS)])
    kills, due = 0, time.monotonic()

    def answered() -> set[int]:
        return {trial for (trial, _), status in recorded.items() if status == "ok"}

    def step() -> bool:
        nonlocal pool, kills, due
        outcomes = pool.poll()
        new = [o for o in outcomes if (o.trial, o.attempt) not in recorded]
        recorded.update({(o.trial, o.attempt): o.status for o in new})
        if chance.random() < 0.9:  # else the session ends between recording and acknowledging
            pool.acknowledge(outcomes)
            pool.enqueue([lab.spec(o.trial, "work") for o in new if not o.answers])
        else:
            pool.close()
            pool = lab.pool()
            found = pool.recover()
            pool.enqueue([lab.spec(t, "work") for t in set(range(TRIALS)) - answered() - found])
        living = [p for p in lab.presences() if p.alive]
        if living and kills < KILLS and time.monotonic() > due:
            victim = chance.choice(living)
            target = victim.child if victim.child and chance.random() < 0.5 else victim.identity
            if target.alive():
                os.kill(target.pid, chance.choice([signal.SIGKILL, signal.SIGTERM]))
                kills += 1
                due = time.monotonic() + chance.random()
        assert sum(p.alive for p in lab.presences()) <= 3
        return len(answered()) == TRIALS

    until(step, "all answers", seconds=600)
    ok = [trial for (trial, _), status in recorded.items() if status == "ok"]
    assert sorted(ok) == list(range(TRIALS))
    assert {"killed", "lost"} <= set(recorded.values())
    pool.acknowledge(pool.poll())
    pool.cancel()
    assert lab.processes() == []
    assert spool.recover(lab.folder) == set()
