"""Any folder of images as a data set: ``train/<class>/*`` and ``test/<class>/*``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nas_hpc.children.dataset import DataError, Dataset, Split
from nas_hpc.children.parts import divide

MODES = {1: "L", 3: "RGB"}
"""Pillow's names of grey and colour images, by their channels."""


def images(
    folder: str,
    size: int | None = None,
    channels: int = 3,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    split_seed: int = 0,
) -> Dataset:
    """A folder of images, their pixels as uint8 [n, channels, height, width].

    The folders in ``train`` and ``test`` are the classes, in alphabetical order, the same in both.
    What is not named like an image is left out (torchvision's ImageFolder).

    Args:
        folder: relative to the working directory; ``~`` is the home.
        size: side in pixels to which each image is scaled, cut to a square around its centre; None:
            all images are of one size, and stay as they are.
        channels: 3 for colour, 1 for grey; images are converted.
        train, validation, test, split_seed: see `nas_hpc.children.parts.divide`; what is not asked
            for is not read.

    Raises:
        DataError: a folder is missing or without images, classes differ, or an image is damaged or
            of another size; names its path.
    """
    if channels not in MODES:
        raise DataError(f"data.options.channels = {channels}: allowed: 1 (grey), 3 (colour)")
    learnt, tested = (_listed(Path(folder).expanduser() / part) for part in ("train", "test"))
    if learnt.classes != tested.classes:
        odd = sorted(set(learnt.classes) ^ set(tested.classes))
        raise DataError(
            f"{learnt.root} and {tested.root} must hold the same classes; "
            f"only one of them has {', '.join(odd)}"
        )
    labels, test_labels = (np.asarray(part.targets, dtype=np.int64) for part in (learnt, tested))
    parts = divide(labels, test_labels, train, validation, test, split_seed)
    chosen = [
        [source.samples[index][0] for index in part]
        for source, part in zip((learnt, learnt, tested), parts, strict=True)
    ]
    shape = _pixels(chosen[0][0], size, channels).shape
    pixels = [_stacked(paths, size, shape) for paths in chosen]
    return Dataset(
        train=Split(pixels[0], labels[parts.train]),
        validation=Split(pixels[1], labels[parts.validation]),
        test=Split(pixels[2], test_labels[parts.test]),
        classes=len(learnt.classes),
    )


def _listed(folder: Path) -> Any:
    from torchvision.datasets import ImageFolder

    try:
        return ImageFolder(str(folder))
    except OSError as error:
        raise DataError(
            f"{folder} must hold one folder of images for each class: {error}"
        ) from error


def _stacked(
    paths: Sequence[str], size: int | None, shape: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    """The images [n, *shape]."""
    stacked = np.empty((len(paths), *shape), np.uint8)
    for image, path in zip(stacked, paths, strict=True):
        pixels = _pixels(path, size, shape[0])
        if pixels.shape != shape:
            raise DataError(
                f"{path} has {pixels.shape[2]} x {pixels.shape[1]} pixels, others "
                f"{shape[2]} x {shape[1]}: data.options.size scales all to one size"
            )
        image[:] = pixels
    return stacked


def _pixels(path: str, size: int | None, channels: int) -> npt.NDArray[np.uint8]:
    """One image [channels, height, width]."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            image = file.convert(MODES[channels])
    except Exception as error:  # of many types, as formats can be damaged in many ways
        raise DataError(f"{path} cannot be read as an image: {error}") from error
    if size is not None and image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
