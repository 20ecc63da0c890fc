"""A data set of its own, small enough that a network learns it in a fraction of a second."""

import numpy as np

from nas_hpc.children import Dataset, Split


def stripes(level: str = "") -> Dataset:
    """Noisy stripes, upright or lying."""
    rng = np.random.default_rng(0)
    parts = []
    for count in (96, 64, 64):
        labels = rng.integers(2, size=count)
        upright = np.tile([1, -1, 1, -1], (4, 1))
        images = np.where(labels[:, None, None] == 1, upright, upright.T)
        images = images + rng.normal(scale=2.0, size=images.shape)
        parts.append(Split(images[:, None].astype(np.float32), labels.astype(np.int64)))
    train, validation, test = parts
    return Dataset(train, validation, test, classes=2)
