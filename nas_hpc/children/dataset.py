"""What a data set is: three parts, checked when they are made; and the images among data sets.

Pixels stay bytes, on disk, in memory and on the device, where each batch is whitened as it is made:
a quarter of the memory that floats take.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from nas_hpc.experiment import Training

Arrays = dict[str, npt.NDArray[Any]]
"""By the name that each has on disk."""


class DataError(ValueError):
    """Data cannot be used; the message names the part or the file, and what is wrong with it."""


class Data(ABC):
    """What children learn from and are judged on: `Dataset` or `nas_hpc.children.text.Text`.

    Attributes:
        train: what children learn from.
        validation: what rewards and all choices come from.
        test: what only the one finally chosen model is scored on; None in a search.
    """

    SEARCH: ClassVar[tuple[str, ...]]
    """Names of the arrays that `search_arrays` gives, which tell the kind of data."""

    TEST: ClassVar[tuple[str, ...]]
    """Names of the arrays that `test_arrays` gives."""

    train: Any
    validation: Any
    test: Any

    @abstractmethod
    def search_arrays(self) -> Arrays:
        """Everything but the test part, as it lies on disk."""

    @abstractmethod
    def test_arrays(self) -> Arrays:
        """The test part, which must be there, as it lies on disk."""

    @classmethod
    @abstractmethod
    def of_search(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Training and validation data, out of `search_arrays`."""

    @staticmethod
    @abstractmethod
    def of_test(arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
        """A test part, out of `test_arrays`."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What ``data.json`` says: the size of each part, and what there is to tell apart."""

    @abstractmethod
    def beginning(self, batches: int, training: Any) -> Self:
        """Training and validation data for so many steps of the training, to try something out."""

    @abstractmethod
    def steps(self, training: Any) -> int:
        """Steps in an epoch of the training."""

    def with_test(self, test: Any) -> Self:
        """The same with a test part, as `nas_hpc.children.load_test` gives it."""
        return replace(self, test=test)  # type: ignore[type-var]

    @property
    def test_fingerprint(self) -> str:
        """SHA-256 of the test part; empty without one."""
        if self.test is None:
            return ""
        return hashlib.sha256(
            b"".join(a.tobytes() for a in self.test_arrays().values())
        ).hexdigest()


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

    def __getitem__(self, chosen: slice) -> Split:
        return Split(self.inputs[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Dataset(Data):
    """Labelled images in three parts.

    Attributes:
        train, validation, test: see `Data`.
        classes: number of labels.

    Raises:
        DataError: a part has another dtype or shape than allowed or than the training images, or
            values that are not finite or no label.
    """

    SEARCH = ("train_inputs", "train_labels", "validation_inputs", "validation_labels", "classes")
    TEST = ("inputs", "labels")

    train: Split
    validation: Split
    test: Split | None
    classes: int

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            split = getattr(self, name)
            if split is not None:
                _check(name, split, self.train, self.classes)

    def search_arrays(self) -> Arrays:
        parts = (self.train, self.validation)
        arrays = [array for part in parts for array in (part.inputs, part.labels)]
        return dict(zip(self.SEARCH, [*arrays, np.array(self.classes, np.int64)], strict=True))

    def test_arrays(self) -> Arrays:
        assert self.test is not None
        return {"inputs": self.test.inputs, "labels": self.test.labels}

    @classmethod
    def of_search(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        train, validation = (
            Split(arrays[f"{part}_inputs"], arrays[f"{part}_labels"])
            for part in ("train", "validation")
        )
        return cls(train, validation, None, int(arrays["classes"]))

    @staticmethod
    def of_test(arrays: Mapping[str, npt.NDArray[Any]]) -> Split:
        return Split(arrays["inputs"], arrays["labels"])

    def about(self) -> dict[str, Any]:
        parts = ("train", "validation", "test")
        shapes = {part: list(getattr(self, part).inputs.shape) for part in parts}
        return {"classes": self.classes} | shapes

    def beginning(self, batches: int, training: Training) -> Self:
        some = slice(batches * training.batch_size)
        return replace(self, train=self.train[some], validation=self.validation[some], test=None)

    def steps(self, training: Training) -> int:
        return ceil(len(self.train.labels) / training.batch_size)


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
