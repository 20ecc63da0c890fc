import pytest

from nas_hpc.report import analyse
from tests.report.laboratory import (
    Course,
    experiment_in,
    make_data,
    make_retraining,
    make_search,
)

SEARCH = Course(40, gain=0.12, repeats=0.5, fails=11, killed=(3, 9), seed=1)
RANDOM = Course(40, fails=15, seed=2)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished experiment, and the folder of its results."""
    place = tmp_path_factory.mktemp("finished")
    experiment = experiment_in(place, budget={"trials": 40}, slots={"count": 3})
    make_data(experiment)
    make_search(experiment, "reinforce", SEARCH)
    make_search(experiment, "random", RANDOM)
    make_retraining(experiment, [0, 1, 2])
    analyse(experiment, place / "lab")
    return experiment, place / "lab"
