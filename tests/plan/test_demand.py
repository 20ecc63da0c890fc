"""Plans against numbers worked out by hand."""

import pytest

from nas_hpc.experiment import Arrays, Experiment
from nas_hpc.plan.child_seconds import ChildSeconds, given
from nas_hpc.plan.demand import Demand, Places, demands


def experiment(arrays=None, **sections) -> Experiment:
    keys = {
        "name": "planned",
        "training": {"epochs": 10},
        "search": {"replicas": 4, "children_per_replica": 5},
        "budget": {"trials": 100},
        "slots": {"count": 8},
        "retrain": {"candidates": 6, "rescore_seeds": 3, "top": 2, "epochs": 40, "seeds": 3},
    }
    if arrays is not None:
        keys["slots"] = {"executor": "slurm", "count": arrays.max_running, "arrays": arrays}
    return Experiment.model_validate(keys | sections)


def by_stage(asked: Experiment, child: ChildSeconds, places: Places) -> dict[str, Demand]:
    return {demand.what: demand for demand in demands(asked, child, places)}


def test_on_one_machine():
    """A hundred trials of 30 s on 8 slots; six candidates; two architectures at eight points."""
    asked = experiment()
    found = by_stage(asked, given(30.0), Places.of(asked, gpus=None))
    for what in ("search: REINFORCE", "search: random search"):
        assert found[what] == Demand(what, 100, 1, 0, 3000.0, 375.0)
    what = "scored again"
    assert found[what] == Demand(what, 18, 6, 0, 540.0, 90.0)  # six jobs of 90 s at once
    # Four times the epochs: 120 s each; 16 jobs, eight at a time.
    assert found["grid"] == Demand("grid", 16, 16, 0, 1920.0, 240.0)
    assert found["final training"] == Demand("final training", 3, 3, 0, 360.0, 120.0)


def test_what_stands_beside_what_was_found():
    """Random search's candidates as ours; cells that no search has to find start at the grid."""
    retrain = {"candidates": 6, "rescore_seeds": 3, "top": 2, "epochs": 40, "seeds": 3}
    grid = {"learning_rate": [1.0], "initial_range": [0.05], "dropout": [0.5], "decay_after": [6]}
    asked = experiment(
        child={"name": "language-model"},
        retrain=retrain | {"beside": ["random", "lstm"], "grid": grid},
    )
    found = by_stage(asked, given(30.0), Places.of(asked, gpus=None))
    what = "random search: scored again"
    assert found[what] == Demand(what, 18, 6, 0, 540.0, 90.0)
    what = "random search: grid"
    assert found[what] == Demand(what, 2, 2, 0, 240.0, 120.0)
    lstm = {what: demand for what, demand in found.items() if what.lower().startswith("lstm")}
    assert [demand.trainings for demand in lstm.values()] == [1, 3]
    assert sum(demand.trainings for demand in found.values()) == 2 * (100 + 18 + 2 + 3) + 1 + 3


def test_a_search_cannot_fill_more_places_than_it_has_trials_in_flight():
    asked = experiment()  # 4 replicas with 5 children each
    found = by_stage(asked, given(30.0), Places.of(asked, gpus=64))
    assert found["search: REINFORCE"].wall_seconds == 100 * 30 / 20
    assert found["grid"].wall_seconds == 120
    few = experiment(budget={"trials": 6})
    assert by_stage(few, given(30.0), Places.of(few, 64))["search: REINFORCE"].wall_seconds == 30


def test_arrays_of_tasks_with_two_children_on_one_gpu():
    arrays = Arrays(max_running=16, trials_per_gpu=2, cpus=4, minutes=3)
    asked = experiment(arrays)
    places = Places.of(asked, gpus=None, job_minutes=2)
    assert (places.gpus, places.children) == (8, 16)
    search = by_stage(asked, given(60.0), places)["search: REINFORCE"]
    assert search.device_seconds == 100 * 60 / 2
    assert search.wall_seconds == 100 * 60 / 16  # 375 s: four jobs of two minutes
    assert search.jobs == 4
    assert search.tasks == 17  # 3000 s of tasks that last 180 s; 8 at a time
    long = Arrays(max_running=16, trials_per_gpu=2, cpus=4, minutes=60)
    asked = experiment(long)
    assert by_stage(asked, given(60.0), places)["search: REINFORCE"].tasks == 17
    places = Places.of(asked, gpus=None)
    assert by_stage(asked, given(60.0), places)["search: REINFORCE"].tasks == 8
    one_each = Arrays(max_running=16, minutes=60, trials_per_task=1)
    asked = experiment(one_each)
    found = by_stage(asked, given(60.0), Places.of(asked, gpus=4))
    assert found["search: REINFORCE"].tasks == 100
    assert found["search: REINFORCE"].wall_seconds == 100 * 60 / 4


def test_several_gpus_for_one_child():
    arrays = Arrays(max_running=4, gpus=2)
    asked = experiment(arrays)
    places = Places.of(asked, gpus=6)
    assert (Places.of(asked, None).gpus, places.children) == (8, 3)
    search = by_stage(asked, given(60.0), places)["search: REINFORCE"]
    assert (search.device_seconds, search.wall_seconds) == (100 * 60 * 2, 2000)


def test_parts_of_the_final_stage():
    asked = experiment()
    found = by_stage(asked, given(30.0), Places.of(asked, None, job_minutes=1))
    assert found["scored again"].jobs == 6 * 2  # 90 s in parts of 60 s
    assert found["grid"].jobs == 16 * 2
    assert found["search: REINFORCE"].jobs == 7


def test_device_hours_bound_the_search():
    asked = experiment(budget={"trials": 100, "device_hours": 0.25})
    search = by_stage(asked, given(30.0), Places.of(asked, None))["search: REINFORCE"]
    assert (search.trainings, search.device_seconds) == (30, 900)


def test_a_space_that_grows():
    """10 s for the first child, 40 s for the last: 25 s in the mean, and a long final stage."""
    asked = experiment()
    child = ChildSeconds(((0, 10.0), (99, 40.0)), "as measured")
    found = by_stage(asked, child, Places.of(asked, None))
    assert found["search: REINFORCE"].device_seconds == pytest.approx(2500)
    assert found["final training"].device_seconds == pytest.approx(3 * 160)
    assert child.at(33) == pytest.approx(20)
    assert child.at(500) == 40
