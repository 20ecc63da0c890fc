from nas_hpc.cluster import DebugExecutor, make_executor, spool
from tests.cluster.lab import Lab


def test_trials_run_in_this_process_the_lowest_number_first(tmp_path):
    lab = Lab(tmp_path, executor="debug", attempts=3)
    executor = make_executor(lab.folder, lab.experiment, epoch=1)
    assert isinstance(executor, DebugExecutor)
    assert executor.poll() == []
    executor.enqueue([lab.spec(2, "diverge"), lab.spec(1)])
    (first,) = executor.poll()
    assert (first.trial, first.status, first.reward, first.attempt) == (1, "ok", 0.01, 1)
    (second,) = executor.poll()
    assert (second.trial, second.status, second.reward) == (2, "diverged", -1.0)
    assert executor.poll() == []
    executor.acknowledge([first, second])
    assert lab.files() == set()


def test_a_trial_cut_short_with_the_process_counts_as_an_attempt(tmp_path):
    lab = Lab(tmp_path, executor="debug")
    spool.mark_attempt(lab.folder, spool.Claim(1, 1, "debug-0"))
    executor = make_executor(lab.folder, lab.experiment, epoch=2)
    assert executor.recover() == set()
    executor.enqueue([lab.spec(1)])
    (outcome,) = executor.poll()
    assert (outcome.status, outcome.attempt) == ("ok", 2)
