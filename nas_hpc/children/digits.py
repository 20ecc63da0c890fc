"""The built-in data set: scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."""

from __future__ import annotations

import numpy as np

from nas_hpc.children.dataset import DataError, Dataset, Split
from nas_hpc.children.parts import balanced_order


def digits(train: int = 900, validation: int = 450, split_seed: int = 0) -> Dataset:
    """Handwritten digits, each class in the same proportion in every part.

    Pixels are scaled to zero mean and unit variance over the training images
    (https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html).

    Args:
        train, validation: numbers of images; the rest of the 1,797 are for the test.
        split_seed: which images go where.

    Raises:
        DataError: a part would have fewer than ten images.
    """
    from sklearn.datasets import load_digits

    source = load_digits()
    labels = source.target.astype(np.int64)
    if min(train, validation, len(labels) - train - validation) < 10:
        raise DataError(
            f"digits has {len(labels)} images: {train} for training and {validation} for "
            f"validation do not leave at least 10 in each part"
        )
    order = balanced_order(labels, np.random.default_rng(split_seed))
    parts = np.split(order, [train, train + validation])
    seen = source.images[parts[0]]
    images = ((source.images - seen.mean()) / seen.std()).astype(np.float32)[:, None]
    split = [Split(images[part], labels[part]) for part in parts]
    return Dataset(train=split[0], validation=split[1], test=split[2], classes=10)
