"""Where the parameters lie in θ, how it starts, and how it is cut into shards."""

import numpy as np
import pytest
import torch

from nas_hpc.policies import Layout, initial, shard_slices
from nas_hpc.spaces.convnet import convnet

LAYOUT = Layout(convnet().kinds, hidden=35, layers=2)


def test_the_paper_s_controller_has_as_many_numbers_as_its_equations_say():
    lstm = 2 * (4 * 35 * (35 + 35) + 4 * 35)
    per_kind = 4 * 35 + 4 * 35 + 4
    assert LAYOUT.size == 35 + lstm + 3 * per_kind + (2 * 35 * 35 + 35) == 23252


def test_views_cover_theta_without_gap_or_overlap():
    flat = np.arange(LAYOUT.size)
    views = LAYOUT.views(flat)
    assert [name for name, _ in LAYOUT.shapes] == list(views)
    assert np.array_equal(np.concatenate([view.ravel() for view in views.values()]), flat)
    assert all(np.shares_memory(view, flat) for view in views.values())


def test_views_of_numpy_and_torch_are_the_same():
    flat = initial(LAYOUT, seed=1, initial_range=0.08)
    tensors = LAYOUT.views(torch.from_numpy(flat))
    for name, view in LAYOUT.views(flat).items():
        assert np.array_equal(tensors[name].numpy(), view)


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(ValueError, match="θ has 23252 numbers here, not shape"):
        LAYOUT.views(np.zeros(23251))


def test_depth_changes_nothing():
    assert Layout(convnet().kinds, 35, 2) == LAYOUT
    strided = Layout(convnet(strides=(1, 2, 3)).kinds, 35, 2)
    assert strided.size == LAYOUT.size + 2 * (3 * 35 + 3 * 35 + 3)


def test_the_start_is_uniform_and_follows_from_the_seed():
    theta = initial(LAYOUT, seed=7, initial_range=0.08)
    assert theta.dtype == np.float64
    assert np.abs(theta).max() <= 0.08
    assert np.abs(theta).max() > 0.0799
    assert abs(theta.mean()) < 0.002
    assert abs(theta.std() - 0.16 / 12**0.5) < 0.001
    assert np.array_equal(theta, initial(LAYOUT, seed=7, initial_range=0.08))
    assert not np.array_equal(theta, initial(LAYOUT, seed=8, initial_range=0.08))


@pytest.mark.parametrize(("size", "shards"), [(10, 3), (23252, 20), (5, 5), (7, 1)])
def test_shards_follow_each_other_and_are_even(size, shards):
    slices = shard_slices(size, shards)
    assert np.concatenate([np.arange(size)[s] for s in slices]).tolist() == list(range(size))
    lengths = [s.stop - s.start for s in slices]
    assert len(lengths) == shards
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("shards", [0, 4])
def test_impossible_shards_are_refused(shards):
    with pytest.raises(ValueError, match="3 numbers cannot be cut"):
        shard_slices(3, shards)
