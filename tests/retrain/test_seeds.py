"""Which trainings share their random numbers: those that are compared with each other."""

from nas_hpc.retrain.steps import final
from tests.retrain.contending import all_steps, language_in


def test_all_contenders_have_the_same_seeds(tmp_path):
    experiment = language_in(tmp_path, beside=["lstm", "nascell"])
    found = [all_steps(experiment, name) for name in ("", "lstm", "nascell")]
    (point,) = {each["chosen"]["seed"] for each in found}
    (first,) = {each["final"]["seed"] for each in found}
    (second,) = {final(experiment, 1, name)["seed"] for name in ("", "lstm", "nascell")}
    assert len({point, first, second}) == 3
