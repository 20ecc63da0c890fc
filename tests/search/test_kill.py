"""Real processes of a running search killed at random instants; the same command goes on."""

from __future__ import annotations

import os
import random
import signal
import time

import psutil
import pytest

from nas_hpc.cluster import living_slots, spool
from nas_hpc.store import SearchReader, load_checkpoint, read_search
from tests.search.processes import ranks_of
from tests.search.test_program import facts

pytestmark = pytest.mark.mpi

SEED = int(os.environ.get("NAS_HPC_KILL_SEED", time.time_ns() % 10**6))


def victims(search, launcher) -> dict[str, list[psutil.Process]]:
    """Everything that can be killed, by role."""
    found = ranks_of(launcher.pid)
    ranks = found["ranks"]
    slots = living_slots(search.run_folder)
    children = [slot.child.pid for slot in slots if slot.child and slot.child.alive()]
    return {
        "launcher": [psutil.Process(launcher.pid)],
        "mpiexec": found["mpiexec"],
        "dispatcher": ranks[:1],
        "server": ranks[1:3],
        "replica": ranks[3:],
        "slot": [psutil.Process(slot.identity.pid) for slot in slots],
        "child": [psutil.Process(pid) for pid in children],
    }


def disturb(search, roles: list[str], chance: random.Random) -> None:
    """Run a search to its end, killing one process of each role in turn."""
    reader = SearchReader(search.run_folder)
    acknowledged: dict[int, float] = {}
    launcher = search.start()

    def rewards() -> dict[int, float]:
        """Those acknowledged now; none of those before is missing or another."""
        known = {o.trial: o.reward for o in reader.read().outcomes if o.answers}
        assert acknowledged.items() <= known.items(), "an acknowledged reward was lost"
        acknowledged.update(known)
        return known

    for role in roles:
        enough = len(rewards()) + chance.randint(1, 4)
        while launcher.poll() is None and len(rewards()) < enough:
            time.sleep(0.05)
        time.sleep(chance.uniform(0.0, 0.3))
        targets = victims(search, launcher)[role] if launcher.poll() is None else []
        if not targets:
            continue
        target = chance.choice(targets)
        print(f"killing {role} {target.pid} after {len(rewards())} rewards")
        target.send_signal(signal.SIGKILL)
        if role == "child":
            await_answers(search, launcher)
        if role in ("slot", "child"):
            continue
        launcher.wait(timeout=60)
        launcher = search.start()
    while launcher.wait(timeout=120) != 0:
        launcher = search.start()
    rewards()


def await_answers(search, launcher) -> None:
    """Until the trial of a killed child has its answer: killed again, it would be to blame."""
    suspects: set[int] = set()
    for _ in range(20):  # until its slot has noticed, and what it holds is what it held
        suspects |= {claim.trial for claim in spool.claims(search.run_folder)}
        time.sleep(0.05)
    while launcher.poll() is None:
        log = read_search(search.run_folder)
        suspects |= {outcome.trial for outcome in log.outcomes if outcome.status == "killed"}
        if suspects <= {outcome.trial for outcome in log.outcomes if outcome.answers}:
            return
        time.sleep(0.05)


def check_equal(search, undisturbed) -> None:
    """One replica in the paper's mode: to the last bit as if nothing had happened."""
    log = read_search(search.run_folder)
    answered = [outcome.trial for outcome in log.outcomes if outcome.answers]
    assert len(set(answered)) == len(answered), "a finished trial was trained again"
    assert facts(search) == facts(undisturbed)
    one, two = load_checkpoint(search.run_folder), load_checkpoint(undisturbed.run_folder)
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.first_moment.tobytes() == two.first_moment.tobytes()
    assert one.second_moment.tobytes() == two.second_moment.tobytes()


def kill_and_compare(small_search, tmp_path, roles, seed, executor, times=1):
    print(f"seed {seed}: NAS_HPC_KILL_SEED={seed} repeats it")
    chance = random.Random(seed)
    undisturbed = small_search()
    undisturbed.run()
    for number in range(times):
        search = undisturbed.copy_to(tmp_path / f"disturbed{number}")
        search.change(child={"options": {"seconds": 0.15}})
        search.change(slots={"executor": executor, "count": 2, "attempts": 50})
        chance.shuffle(roles)
        disturb(search, roles, chance)
        check_equal(search, undisturbed)


def test_ranks_killed(small_search, tmp_path):
    roles = ["dispatcher", "server", "replica"]
    kill_and_compare(small_search, tmp_path, roles, SEED, "debug")


def test_launcher_slots_and_dispatcher_killed(small_search, tmp_path):
    roles = ["launcher", "mpiexec", "slot", "dispatcher"]
    kill_and_compare(small_search, tmp_path, roles, SEED, "local")


def test_children_killed(small_search, tmp_path):
    kill_and_compare(small_search, tmp_path, ["child", "child"], SEED, "local")


@pytest.mark.long
@pytest.mark.parametrize("round", range(5))
def test_many_kills(small_search, tmp_path, round):
    roles = ["launcher", "mpiexec", "slot", "dispatcher", "server", "replica"] * 2
    kill_and_compare(small_search, tmp_path, roles, SEED + round, "local", times=2)
