"""Pictures of stripes as bytes, 8 x 8 in three colours: what photographs are prepared from."""

import numpy as np

from nas_hpc.children import Dataset, Split


def pictures() -> Dataset:
    rng = np.random.default_rng(0)
    parts = []
    for count in (96, 64, 64):
        labels = rng.integers(2, size=count)
        upright = np.tile([1, -1] * 4, (8, 1))
        stripes = np.where(labels[:, None, None] == 1, upright, upright.T)[:, None]
        images = 128 + 30 * stripes + rng.normal(scale=60, size=(count, 3, 8, 8))
        parts.append(Split(images.clip(0, 255).astype(np.uint8), labels.astype(np.int64)))
    return Dataset(*parts, classes=2)
