"""What a data set is: labelled images in three parts, checked when they are made.

Pixels stay bytes, on disk, in memory and on the device, where each batch is whitened as it is made:
a quarter of the memory that floats take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class DataError(ValueError):
    """Data cannot be used; the message names the part or the file, and what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images.

    Attributes:
        inputs: [n, channels, height, width]. uint8: pixels from 0 to 255, which networks see
            whitened, see `nas_hpc.children.images.whiten`. Or float32, finite: what networks see.
        labels: int64 [n], from 0.
    """

    inputs: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images in three parts.

    Attributes:
        train: what children learn from.
        validation: what rewards and all choices come from.
        test: what only the one finally chosen model is scored on; None in a search.
        classes: number of labels.

    Raises:
        DataError: a part has another dtype or shape than allowed or than the training images, or
            values that are not finite or no label.
    """

    train: Split
    validation: Split
    test: Split | None
    classes: int

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            split = getattr(self, name)
            if split is not None:
                _check(name, split, self.train, self.classes)


def _check(name: str, split: Split, train: Split, classes: int) -> None:
    inputs, labels = split.inputs, split.labels
    for part, array, allowed in (
        ("inputs", inputs, (np.uint8, np.float32)),
        ("labels", labels, (np.int64,)),
    ):
        if not isinstance(array, np.ndarray) or array.dtype not in allowed:
            kind = getattr(array, "dtype", type(array).__name__)
            names = " or ".join(dtype.__name__ for dtype in allowed)
            raise DataError(f"{name}.{part} must be a numpy array of {names}, not {kind}")
    if inputs.ndim != 4 or 0 in inputs.shape:
        raise DataError(f"{name}.inputs must be [n, channels, height, width], not {inputs.shape}")
    for what, found, expected in (
        ("images", inputs.shape[1:], train.inputs.shape[1:]),
        ("values", inputs.dtype, train.inputs.dtype),
    ):
        if found != expected:
            raise DataError(f"{name}.inputs holds {found} {what}, train.inputs {expected}")
    if labels.shape != inputs.shape[:1]:
        raise DataError(f"{name}.labels must be [{len(inputs)}], not {list(labels.shape)}")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{name}.labels must lie in 0 ... {classes - 1}, not {labels.min()} ... {labels.max()}"
        )
    if inputs.dtype == np.float32 and not np.isfinite(inputs).all():
        raise DataError(f"{name}.inputs holds values that are not finite")
