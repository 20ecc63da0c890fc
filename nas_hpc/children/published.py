"""Published data sets that torchvision knows: CIFAR-10, CIFAR-100, Fashion-MNIST.

They are read out of their archives, whose MD5 sums torchvision gives. An archive that is there is
never asked for on the network.
"""

from __future__ import annotations

import tempfile
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nas_hpc.children.dataset import DataError, Dataset, Split
from nas_hpc.children.parts import divide


def published(
    kind: str,
    folder: str = "datasets",
    download: bool = True,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    split_seed: int = 0,
) -> Dataset:
    """A published data set, its pixels as uint8 [n, channels, height, width].

    Args:
        kind: a class of `torchvision.datasets`: ``CIFAR10``, ``CIFAR100`` or ``FashionMNIST``.
        folder: where the archives are, or are put, in torchvision's layout; relative to the
            working directory, ``~`` is the home.
        download: whether an archive that is missing or damaged is fetched.
        train, validation, test, split_seed: see `nas_hpc.children.parts.divide`. By default a
            tenth is held out, for CIFAR 45,000 and 5,000 images as in the paper (section 4.1).

    Raises:
        DataError: an archive is not there and cannot be had, or there are not so many images.
    """
    import torchvision

    source = getattr(torchvision.datasets, kind)
    learnt, tested = _unpacked(source, Path(folder).expanduser(), download)
    labels, test_labels = (np.asarray(part.targets, dtype=np.int64) for part in (learnt, tested))
    parts = divide(labels, test_labels, train, validation, test, split_seed)
    pixels = _pixels(learnt.data)
    return Dataset(
        train=Split(pixels[parts.train], labels[parts.train]),
        validation=Split(pixels[parts.validation], labels[parts.validation]),
        test=Split(_pixels(tested.data)[parts.test], test_labels[parts.test]),
        classes=len(learnt.classes),
    )


cifar10 = partial(published, "CIFAR10")
cifar100 = partial(published, "CIFAR100")
fashion_mnist = partial(published, "FashionMNIST")


def _unpacked(source: Any, folder: Path, download: bool) -> tuple[Any, Any]:
    """Torchvision's training and test part, out of archives that are whole."""
    from torchvision.datasets.utils import extract_archive

    archives = _archives(source)
    for place, url, md5 in archives:
        if (reason := _missing(folder / place, url, md5, download)) is not None:
            there = (folder / place).parent
            every = " ".join(url for _, url, _ in archives)
            raise DataError(
                f"{folder / place} {reason}. On a machine with a network, download {every} and put "
                f"that into {there}; or name the folder that has it as data.options.folder."
            )
    with tempfile.TemporaryDirectory(prefix="nas-data-") as unpacked:
        for place, _, _ in archives:
            destination = (Path(unpacked) / place).parent
            destination.mkdir(parents=True, exist_ok=True)
            extract_archive(str(folder / place), str(destination))
        return source(unpacked, train=True), source(unpacked, train=False)


def _archives(source: Any) -> list[tuple[str, str, str]]:
    """Of each archive: its place in torchvision's layout, its address, its MD5."""
    if hasattr(source, "tgz_md5"):
        return [(source.filename, source.url, source.tgz_md5)]
    raw = f"{source.__name__}/raw"
    return [(f"{raw}/{name}", source.mirrors[0] + name, md5) for name, md5 in source.resources]


def _missing(file: Path, url: str, md5: str, download: bool) -> str | None:
    """What is wrong with the archive; None once it is there as it was published."""
    from torchvision.datasets.utils import check_integrity, download_url

    if check_integrity(file, md5):
        return None
    found = f"is damaged (its MD5 is not {md5})" if file.exists() else "does not exist"
    if not download:
        return f"{found}, and data.options.download is false"
    try:
        download_url(url, file.parent, file.name, md5)
    except (OSError, RuntimeError, HTTPException) as error:
        return f"{found}, and downloading it failed: {error}"
    return None


def _pixels(data: Any) -> npt.NDArray[np.uint8]:
    """Torchvision's images, [n, height, width] or with channels behind, with channels in front."""
    images = np.asarray(data)
    return images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
