"""Adam against torch's."""

import numpy as np
import pytest
import torch

from nas_hpc.policies import Adam, shard_slices


def gradients(steps, size):
    rng = np.random.default_rng(5)
    scales = 10.0 ** rng.integers(-9, 3, size)
    return [rng.normal(size=size) * scales for _ in range(steps)]


def test_it_walks_uphill_where_torch_walks_downhill():
    start, learning_rate = np.random.default_rng(1).normal(size=17), 0.0006
    theta, adam = start.copy(), Adam(17, learning_rate)
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    reference = torch.optim.Adam([parameter], lr=learning_rate)
    for gradient in gradients(200, 17):
        adam.step(theta, gradient)
        parameter.grad = torch.from_numpy(-gradient)
        reference.step()
        np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert adam.version == 200


def test_the_first_step_is_the_learning_rate_along_the_sign():
    theta = np.zeros(3)
    Adam(3, 0.01).step(theta, np.array([1e-3, -5.0, 0.0]))
    np.testing.assert_allclose(theta, [0.01, -0.01, 0.0], rtol=1e-4)


def test_shards_updated_apart_give_the_same_bits_as_the_whole():
    whole, adam = np.zeros(11), Adam(11, 0.01)
    slices = shard_slices(11, 3)
    parts = [(s, np.zeros(s.stop - s.start), Adam(s.stop - s.start, 0.01)) for s in slices]
    for gradient in gradients(30, 11):
        adam.step(whole, gradient)
        for place, theta, shard in parts:
            shard.step(theta, gradient[place])
    assert np.array_equal(whole, np.concatenate([theta for _, theta, _ in parts]))


def test_a_restored_one_goes_on_with_the_same_bits():
    theta, adam = np.zeros(5), Adam(5, 0.01)
    for gradient in gradients(10, 5):
        adam.step(theta, gradient)
    other, copy = Adam(5, 0.01), theta.copy()
    other.restore(adam.version, adam.first_moment, adam.second_moment)
    for gradient in gradients(10, 5):
        adam.step(theta, gradient)
        other.step(copy, gradient)
    assert np.array_equal(theta, copy)
    assert other.version == 20


@pytest.mark.parametrize("gradient", [[1.0, np.nan], [np.inf, 0.0], [1.0], [1.0, 1.0, 1.0]])
def test_what_is_no_gradient_changes_nothing(gradient):
    theta, adam = np.ones(2), Adam(2, 0.01)
    with pytest.raises(ValueError, match="gradient"):
        adam.step(theta, np.array(gradient))
    assert theta.tolist() == [1.0, 1.0]
    assert adam.version == 0
    assert not adam.first_moment.any()
