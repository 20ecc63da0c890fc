"""Archives in the layouts of the published data sets, with few invented images in them.

The layouts are those of https://www.cs.toronto.edu/~kriz/cifar.html (3,072 bytes an image: the red,
the green, the blue plane) and http://yann.lecun.com/exdb/mnist (a header of big-endian integers).
"""

import gzip
import io
import pickle
import struct
import tarfile
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

Rows = tuple[np.ndarray, list[int]]
"""Bytes of images [n, values], and labels."""


def _rows(count: int, values: int, classes: int, seed: int) -> Rows:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, values), np.uint8)
    return pixels, [i % classes for i in range(count)]


def cifar(kind: Any, folder: Path, patch: pytest.MonkeyPatch) -> tuple[Rows, Rows]:
    """Write the archive of `kind` into the folder and let torchvision expect it."""
    key, classes = ("labels", 10) if kind is datasets.CIFAR10 else ("fine_labels", 100)
    files, parts = {}, []
    for seed, sums in enumerate((kind.train_list, kind.test_list)):
        pixels, labels = _rows(2 * classes * len(sums), 3072, classes, seed)
        shares = zip(
            sums, np.split(pixels, len(sums)), np.split(np.array(labels), len(sums)), strict=True
        )
        for (name, _), some, their in shares:
            files[name] = pickle.dumps({"data": some, key: their.tolist()})
        parts.append((pixels, labels))
    files[kind.meta["filename"]] = pickle.dumps(
        {kind.meta["key"]: [str(i) for i in range(classes)]}
    )
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / kind.filename, "w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    sums = {name: md5(content).hexdigest() for name, content in files.items()}
    for which in ("train_list", "test_list"):
        patch.setattr(kind, which, [[name, sums[name]] for name, _ in getattr(kind, which)])
    patch.setattr(kind, "meta", kind.meta | {"md5": sums[kind.meta["filename"]]})
    patch.setattr(kind, "tgz_md5", _sum(folder / kind.filename))
    return parts[0], parts[1]


def fashion_mnist(folder: Path, patch: pytest.MonkeyPatch) -> tuple[Rows, Rows]:
    """Write the archives of Fashion-MNIST into the folder and let torchvision expect them."""
    kind = datasets.FashionMNIST
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    parts = _rows(30, 784, 10, seed=0), _rows(20, 784, 10, seed=1)
    for name, (pixels, labels) in zip(("train", "t10k"), parts, strict=True):
        header = struct.pack(">IIII", 2051, len(labels), 28, 28)
        images = gzip.compress(header + pixels.tobytes())
        (raw / f"{name}-images-idx3-ubyte.gz").write_bytes(images)
        header = struct.pack(">II", 2049, len(labels))
        (raw / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + bytes(labels)))
    patch.setattr(kind, "resources", [(name, _sum(raw / name)) for name, _ in kind.resources])
    return parts


def _sum(file: Path) -> str:
    return md5(file.read_bytes()).hexdigest()
