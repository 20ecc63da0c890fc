"""What a data set is: labelled images in three parts, checked when they are made."""

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
        inputs: float32 [n, channels, height, width], finite.
        labels: int64 [n], from 0.
    """

    inputs: npt.NDArray[np.float32]
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
        DataError: a part has another dtype or shape, or values that are not finite or no label.
    """

    train: Split
    validation: Split
    test: Split | None
    classes: int

    def __post_init__(self) -> None:
        image = np.shape(self.train.inputs)[1:]
        for name in ("train", "validation", "test"):
            split = getattr(self, name)
            if split is not None:
                _check(name, split, image, self.classes)


def _check(name: str, split: Split, image: tuple[int, ...], classes: int) -> None:
    inputs, labels = split.inputs, split.labels
    for part, array, dtype in (("inputs", inputs, np.float32), ("labels", labels, np.int64)):
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            kind = getattr(array, "dtype", type(array).__name__)
            raise DataError(f"{name}.{part} must be a numpy array of {dtype.__name__}, not {kind}")
    if inputs.ndim != 4 or 0 in inputs.shape:
        raise DataError(f"{name}.inputs must be [n, channels, height, width], not {inputs.shape}")
    if inputs.shape[1:] != image:
        raise DataError(f"{name}.inputs holds {inputs.shape[1:]} images, train.inputs {image}")
    if labels.shape != inputs.shape[:1]:
        raise DataError(f"{name}.labels must be [{len(inputs)}], not {list(labels.shape)}")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{name}.labels must lie in 0 ... {classes - 1}, not {labels.min()} ... {labels.max()}"
        )
    if not np.isfinite(inputs).all():
        raise DataError(f"{name}.inputs holds values that are not finite")
