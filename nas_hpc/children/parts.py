"""Which images go into which part: at random, by a seed, each class in its proportion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nas_hpc.children.dataset import DataError

Labels = npt.NDArray[np.int64]
Indices = npt.NDArray[np.intp]


class Parts(NamedTuple):
    """Indices of images: of the first two among those for training, of the last for the test."""

    train: Indices
    validation: Indices
    test: Indices


def divide(
    labels: Labels,
    test_labels: Labels,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    split_seed: int = 0,
) -> Parts:
    """Take training, validation and test images out of a data set that has its own test images.

    Of the same seed, a smaller part is a subset of a larger one, and the validation images are the
    same for any number of training images.

    Args:
        labels: of the images for training, int64 [n].
        test_labels: of the images for the test, int64 [m].
        train: how many to learn from; None: all that ``validation`` leaves.
        validation: how many to hold out; None: a tenth of n, as in the paper (section 4.1).
        test: how many to test on; None: all m.
        split_seed: which images go where.

    Raises:
        DataError: a part would be empty, or there are not so many images.
    """
    validation = len(labels) // 10 if validation is None else validation
    train = len(labels) - validation if train is None else train
    test = len(test_labels) if test is None else test
    if min(train, validation, test) < 1 or train + validation > len(labels):
        raise DataError(
            f"data.options: train = {train}, validation = {validation}, test = {test}: each must "
            f"be at least 1, the first two together at most {len(labels)}, as many as there are"
        )
    if test > len(test_labels):
        raise DataError(f"data.options: test = {test}: there are {len(test_labels)} test images")
    rng = np.random.default_rng(split_seed)
    order = balanced_order(labels, rng)
    tested = balanced_order(test_labels, rng)[:test]
    return Parts(order[:train], order[len(order) - validation :], np.sort(tested))


def balanced_order(labels: Labels, rng: np.random.Generator) -> Indices:
    """A random order of the images [n] in which any stretch holds each class in its proportion."""
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
