"""The MPI program with real ranks: roles, learning, determinism, ending, following."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.policies import Adam, Layout, Lesson, Request, initial, make
from nas_hpc.search.stop import stop
from nas_hpc.search.succession import living_writer
from nas_hpc.spaces import load_space
from nas_hpc.store import load_checkpoint, read_search, sessions
from tests.search.processes import gone, rank_number, ranks_of, wait_until

pytestmark = pytest.mark.mpi


def facts(search):
    """What must be equal in two runs of one search."""
    log = read_search(search.run_folder)
    rewards = sorted((o.trial, o.reward) for o in log.outcomes if o.answers)
    samples = [(s.number, s.trial, s.tokens, s.log_probability, s.version) for s in log.samples]
    # As text: the first baseline is NaN.
    updates = [repr((u.ticket, u.samples, u.advantages, u.baseline)) for u in log.updates]
    return rewards, sorted(samples), updates


def test_one_replica_is_reproducible_to_the_last_bit(small_search, tmp_path):
    first = small_search()
    first.run()
    second = first.copy_to(tmp_path / "copy")
    second.run()
    assert facts(first) == facts(second)
    assert len(facts(first)[0]) == 40
    one, two = load_checkpoint(first.run_folder), load_checkpoint(second.run_folder)
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.second_moment.tobytes() == two.second_moment.tobytes()


MANY = {
    "replicas": 5,
    "shards": 4,
    "children_per_replica": 2,
    "replica_ranks": 2,
    "server_ranks": 2,
}


@pytest.mark.parametrize("mode, per_update", [("paper", 1), ("barrier-free", 3)])
def test_the_records_alone_reproduce_the_search(small_search, mode, per_update):
    """Every token follows from the recorded advantages and their order, replicas and all."""
    controller = {"gradients_per_update": per_update}
    search = small_search(search=MANY | {"mode": mode}, controller=controller)
    search.run()
    log = read_search(search.run_folder)
    assert any(
        u.ticket > 1 + s.version * per_update
        for u in log.updates
        for s in log.samples
        if s.number in u.samples
    ), "no gradient was stale: this run shows nothing"
    thetas = replay_updates(search.experiment, log)
    strategy = make("reinforce", search.experiment, load_space(search.experiment))
    for sample in log.samples:
        strategy.load({"theta": thetas[sample.version]})
        proposal = strategy.ask([Request(sample.number, sample.arguments)])[0]
        assert proposal.tokens == sample.tokens
    final = load_checkpoint(search.run_folder)
    np.testing.assert_allclose(final.theta, thetas[final.version], atol=1e-12)


def replay_updates(experiment: Experiment, log) -> list[np.ndarray]:
    """θ at each version, computed again in one process from what the store holds."""
    controller = experiment.controller
    space = load_space(experiment)
    layout = Layout(space.kinds, controller.hidden, controller.layers)
    theta = initial(layout, experiment.seed, controller.initial_range)
    strategy, adam = (
        make("reinforce", experiment, space),
        Adam(theta.size, controller.learning_rate),
    )
    samples = {sample.number: sample for sample in log.samples}
    thetas, gradients = [theta.copy()], []
    for update in log.updates:
        total = np.zeros_like(theta)
        for number, advantage, reward in zip(
            update.samples, update.advantages, update.rewards, strict=True
        ):
            s = samples[number]
            strategy.load({"theta": thetas[s.version]})
            total += strategy.tell([Lesson(number, s.arguments, s.tokens, advantage, reward)])
        gradients.append(total / len(update.samples))
        if len(gradients) == controller.gradients_per_update:
            adam.step(theta, np.mean(gradients, axis=0))
            thetas.append(theta.copy())
            gradients = []
    return thetas


def test_only_replicas_load_torch_and_waiting_ranks_sleep(small_search):
    search = small_search(search=MANY, child={"options": {"seconds": 0.3}})
    search.change(slots={"executor": "local", "count": 1})
    launcher = search.start()
    log = lambda: read_search(search.run_folder).outcomes  # noqa: E731
    wait_until(lambda: search.run_folder.search.parent.exists() and len(log()) > 1)
    ranks = ranks_of(launcher.pid)["ranks"]
    assert [rank_number(rank) for rank in ranks] == list(range(5))
    loaded = ["libtorch" in Path(f"/proc/{rank.pid}/maps").read_text() for rank in ranks]
    assert loaded == [False, False, False, True, True]
    before = [sum(rank.cpu_times()[:2]) for rank in ranks]
    time.sleep(3)
    used = [sum(rank.cpu_times()[:2]) - b for rank, b in zip(ranks, before, strict=True)]
    assert sum(used[1:]) < 1.5, f"CPU seconds of ranks in 3 seconds: {used}"
    stop(search.experiment, now=True, say=print)
    assert launcher.wait(timeout=30) != 0


def test_a_world_of_the_wrong_size_is_refused(small_search):
    search = small_search()
    program = ["-m", "mpi4py", "-m", "nas_hpc.search.program", str(search.yaml), "reinforce"]
    python = search.command()[0]
    mpiexec = [str(Path(python).with_name("mpiexec")), "-launcher", "fork", "-n", "2"]
    result = subprocess.run(
        [*mpiexec, python, *program], capture_output=True, text=True, timeout=60
    )
    assert result.returncode != 0
    assert "takes 4 MPI ranks, the world has 2" in result.stdout + result.stderr


def start_and_follow(search) -> tuple[subprocess.Popen, subprocess.Popen]:
    """The launcher that searches, and the same command again, which follows."""
    first = search.start()
    wait_until(lambda: search.run_folder.sessions.exists() and living_writer(search.run_folder))
    second = search.start()
    said = search.folder / "launch.log"
    wait_until(lambda: "following the search that already runs" in said.read_text())
    return first, second


def test_the_same_command_follows_and_another_configuration_is_refused(small_search):
    search = small_search(child={"options": {"seconds": 0.5}})
    first, second = start_and_follow(search)
    search.change(seed=4)
    third = search.start()
    assert third.wait(timeout=60) != 0
    search.change(seed=3)
    assert first.wait(timeout=120) == 0
    assert second.wait(timeout=60) == 0
    said = (search.folder / "launch.log").read_text()
    assert "with another configuration" in said
    assert len(sessions(search.run_folder)) == 1, "the follower began nothing of its own"


def test_a_follower_does_not_begin_again_what_was_stopped(small_search):
    search = small_search(child={"options": {"seconds": 0.5}})
    first, second = start_and_follow(search)
    stop(search.experiment, now=False, say=print)
    assert first.wait(timeout=60) != 0
    assert second.wait(timeout=60) != 0
    assert len(sessions(search.run_folder)) == 1


def test_a_finished_search_goes_on_when_its_budget_grows(small_search):
    search = small_search(budget={"trials": 8})
    search.run()
    before = facts(search)
    search.run()
    assert facts(search) == before
    search.change(budget={"trials": 16})
    search.run()
    after = facts(search)
    assert len(after[0]) == 16
    assert [r for r in after[0] if r[0] in dict(before[0])] == before[0]


def test_a_changed_key_is_refused_on_resume(small_search):
    search = small_search(budget={"trials": 8})
    search.run()
    search.change(budget={"trials": 12}, controller={"learning_rate": 0.5})
    assert search.start().wait(timeout=60) != 0
    said = (search.folder / "launch.log").read_text()
    assert "controller.learning_rate: 0.02 then, 0.5 now" in said


def test_children_that_cannot_run_end_the_search_with_their_reason(small_search):
    search = small_search(child={"options": {"seconds": 0.0, "broken": True}})
    assert search.start().wait(timeout=60) != 0
    said = (search.folder / "launch.log").read_text()
    assert "children cannot run" in said
    log = Path(said.partition("its log: ")[2].splitlines()[0])
    assert "KeyError: 'no such layer'" in said and "Traceback" in log.read_text()


@pytest.mark.parametrize("now", [False, True])
def test_stop_drains_or_cancels_and_the_search_goes_on(small_search, now):
    search = small_search(child={"options": {"seconds": 0.3}}, budget={"trials": 16})
    search.change(slots={"executor": "local", "count": 2})
    launcher = search.start()
    wait_until(
        lambda: search.run_folder.queue.exists() and list(search.run_folder.claims.iterdir())
    )
    everybody = [p for p in psutil.process_iter(["cmdline"]) if str(search.folder) in str(p.info)]
    stop(search.experiment, now=now, say=print)
    assert launcher.wait(timeout=30) != 0
    wait_until(lambda: gone(everybody))
    log = read_search(search.run_folder)
    assert log.events[-1].kind in ("ended", "started")
    answered = {o.trial for o in log.outcomes if o.answers}
    if not now:
        assert {s.trial for s in log.samples} == answered, "what was in flight was finished"
    search.run()
    assert len(facts(search)[0]) == 16
