"""The depth of a sample: fixed when it is numbered, and stored with it."""

import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.search.numbering import Numbering
from nas_hpc.spaces import replay
from tests.search.test_dispatcher import SPACE, world


def test_the_numbers_of_the_paper():
    """Six layers at first, two more for every 1,600 samples, 12,800 samples."""
    space = {"arguments": {"depth": 6}, "schedule": {"argument": "depth", "add": 2, "every": 1600}}
    experiment = Experiment.model_validate({"name": "x", "space": space})
    requests = Numbering(experiment).requests(12_800)
    depths = {request.sample: request.arguments["depth"] for request in requests}
    assert [depths[n] for n in (0, 1599, 1600, 3199, 3200, 12_799)] == [6, 6, 8, 8, 10, 20]


@pytest.mark.parametrize("die_after", [None, 7, 30])
def test_every_sample_keeps_the_depth_of_its_number(die_after):
    growing = {"schedule": {"argument": "length", "add": 2, "every": 8}}
    simulated = world(3, space=growing, budget={"trials": 24})
    for session, ends in enumerate([die_after, None], start=1):
        simulated.run(4, session, ends)
    log = simulated.log()
    assert max(sample.number for sample in log.samples) >= 23
    for sample in log.samples:
        assert sample.arguments == {"length": 3 + 2 * (sample.number // 8)}
        steps = replay(SPACE, sample.arguments, sample.tokens).steps
        assert len(steps) == sample.arguments["length"]
