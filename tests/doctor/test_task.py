import platform

import pytest

import nas_hpc
from nas_hpc.doctor import task
from nas_hpc.experiment import Arrays

ARRAYS = Arrays(cpus=4, memory_gb=8, grace_seconds=60)
REPORT = {
    "version": nas_hpc.__version__,
    "place": "/shared/nas_hpc",
    "python": platform.python_version(),
    "cores": 4,
    "memory_gb": 8.0,
    "granted_gb": 8.0,
    "mode": 0o700,
    "mine": True,
    "submits": "",
    "devices": None,
    "torch_fault": "ImportError: libcudart",
}


@pytest.mark.parametrize(
    ("look", "changes", "level", "said"),
    [
        (task.cores, {}, "ok", "4 asked for"),
        (task.cores, {"cores": 64}, "ok", "64 can be used: the site does not bind"),
        (task.cores, {"cores": 1}, "FAILED", "1 can be used"),
        (task.memory, {}, "ok", "8.0 GiB are the limit"),
        (task.memory, {"memory_gb": None}, "ok", "no limit is enforced"),
        (task.memory, {"memory_gb": 2.0}, "FAILED", "2.0 GiB granted"),
        (task.devices, {}, "FAILED", "ImportError: libcudart"),
    ],
)
def test_what_the_task_got(look, changes, level, said):
    found = look(ARRAYS, REPORT | changes)
    assert found.level == level and said in found.found


@pytest.mark.parametrize(
    ("look", "changes", "said"),
    [
        (task.installation, {"version": "0.0.1"}, "nas_hpc 0.0.1 in /shared"),
        (task.installation, {"python": "3.9.1"}, "Python 3.9.1"),
        (task.folder, {"mode": 0o770}, "others can write"),
        (task.folder, {"mine": False}, "not yours"),
        (task.submits, {"submits": "sbatch: Access denied"}, "may not submit: sbatch: Access"),
    ],
)
def test_what_must_be_as_it_is_here(look, changes, said):
    assert look(REPORT).level == "ok"
    found = look(REPORT | changes)
    assert found.level == "FAILED" and said in found.found and found.mend


@pytest.mark.parametrize(("late", "level"), [(0.5, "ok"), (45.0, "warning"), (90.0, "FAILED")])
def test_files_that_are_seen_late(late, level):
    trips = [(0.0, 0.1, 0.2), (10.0, 10.1, 10.0 + late)]
    found = task.visibility(ARRAYS, trips)
    assert found.level == level and found.found.endswith(f"0.2 to {late:.1f} s")


@pytest.mark.parametrize(("off", "level"), [(4, "ok"), (30, "warning"), (-30, "warning")])
def test_clocks_are_off_by_what_delays_cannot_explain(off, level):
    trips = [(0.0, 3.0 + off, 4.0), (10.0, 10.1 + off, 10.3)]
    found = task.clocks("n1", trips)
    assert found.level == level
    assert f"{off - 0.2:+.1f} to {off + 0.1:+.1f} s" in found.found


def test_a_slow_answer_alone_does_not_set_clocks_wrong():
    assert task.clocks("n1", [(0.0, 60.0, 60.1)]).level == "ok"
    assert task.clocks("n1", [(0.0, 0.1, 60.0)]).level == "ok"
