"""Which images go where: sizes, classes, seeds."""

import numpy as np
import pytest

from nas_hpc.children import DataError
from nas_hpc.children.parts import divide

CIFAR = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 5000))
CIFAR_TEST = np.repeat(np.arange(10), 1000)


def test_cifar_is_split_as_in_the_paper_with_every_class_in_proportion():
    parts = divide(CIFAR, CIFAR_TEST)
    assert [len(part) for part in parts] == [45_000, 5_000, 10_000]
    assert np.abs(np.bincount(CIFAR[parts.train]) - 4500).max() <= 1
    assert np.abs(np.bincount(CIFAR[parts.validation]) - 500).max() <= 1
    assert sorted(np.concatenate(parts[:2])) == list(range(50_000))
    assert list(parts.test) == list(range(10_000))


def test_a_subset_holds_every_class_in_proportion_and_keeps_the_validation_images():
    whole = divide(CIFAR, CIFAR_TEST, split_seed=3)
    small = divide(CIFAR, CIFAR_TEST, train=2000, test=500, split_seed=3)
    np.testing.assert_array_equal(small.validation, whole.validation)
    assert len(small.train) == 2000 and set(small.train) < set(whole.train)
    assert np.abs(np.bincount(CIFAR[small.train]) - 200).max() <= 1
    assert np.abs(np.bincount(CIFAR_TEST[small.test]) - 50).max() <= 1


def test_the_seed_decides():
    first, again, other = (divide(CIFAR, CIFAR_TEST, split_seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.validation, again.validation)
    assert len(set(first.validation) & set(other.validation)) < 1000  # 500 by chance


def test_rare_classes_are_in_proportion_too():
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    parts = divide(labels, labels)
    assert list(np.bincount(labels[parts.validation])) == [90, 9, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 96, "validation": 5}, "train = 96, validation = 5.* at most 100"),
        ({"validation": 0}, "validation = 0.* at least 1"),
        ({"validation": 100}, "train = 0"),
        ({"test": 21}, "test = 21: there are 20 test images"),
    ],
)
def test_sizes_that_cannot_be_are_named(options, message):
    with pytest.raises(DataError, match=message):
        divide(np.arange(100) % 10, np.arange(20) % 10, **options)
