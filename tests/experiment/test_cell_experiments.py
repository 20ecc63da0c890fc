"""The shipped experiments with cells: what the paper on NASNet says of them."""

from pathlib import Path

import numpy as np
import pytest

from nas_hpc.experiment import read
from nas_hpc.spaces import draw, load_space, replay

FOLDER = Path(__file__).parents[2] / "workflow" / "experiments"


@pytest.mark.parametrize("name", ["cifar10-cell", "cifar10-cell-small"])
def test_cells_of_five_blocks_and_eight_operators(name):
    experiment = read(str(FOLDER / f"{name}.yaml"))
    space = load_space(experiment)
    operator, combination = space.kinds
    assert (len(operator.options), len(combination.options)) == (8, 2)
    walk = draw(space, experiment.arguments(0), np.random.default_rng(0))
    assert len(walk.architecture.normal.blocks) == len(walk.architecture.reduction.blocks) == 5


def test_the_final_network_is_stacked_as_in_nasnet_a():
    experiment = read(str(FOLDER / "cifar10-cell.yaml"))
    space, small = load_space(experiment), experiment.arguments(0)
    walk = draw(space, small, np.random.default_rng(0))
    final = replay(space, {**small, **experiment.retrain.arguments}, walk.tokens)
    # Six normal cells in a row; 768 = 6 x 128 filters at the end of NASNet-A (6 @ 768).
    assert [filters for _, filters in final.stack()] == [32] * 6 + [64] * 7 + [128] * 7
    assert (walk.architecture.repeats, walk.architecture.filters) == (2, 32)
