"""Cuts of the controller's parameters: everything that learning needs to go on after a ticket.

``checkpoints/<ticket>-<epoch>.h5``, plain HDF5: attributes ``schema``, ``ticket``, ``version``,
``accumulated_count``, ``sha256`` (checksum of all values); datasets ``theta``, ``first_moment``,
``second_moment``, ``accumulated`` (float64 [n]) and ``strategy`` (JSON text), each with an
attribute ``meaning``.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from nas_hpc.store.folder import RunFolder
from nas_hpc.store.hdf5 import TEXT, DamagedFile, checksum, reading, write_hdf5
from nas_hpc.store.lock import Session, guarded, lineage

SCHEMA = 1
KEPT = 2
NAME = re.compile(r"(\d{9})-(\d{6})\.h5")

ARRAYS = {
    "theta": "parameters of the controller",
    "first_moment": "Adam's moving average of gradients",
    "second_moment": "Adam's moving average of squared gradients",
    "accumulated": "sum of the gradients that wait for the next step of Adam",
}
NUMBERS = ("ticket", "version", "accumulated_count")

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of learning once the gradients of all tickets up to one are applied.

    Attributes:
        ticket: of the last update in it.
        version: steps of Adam taken.
        theta: parameters, float64 [n].
        first_moment, second_moment: Adam's, float64 [n].
        accumulated: sum of the gradients that wait for the next step of Adam, float64 [n].
        accumulated_count: how many those are.
        strategy: JSON state of a strategy that is not replicated.
    """

    ticket: int
    version: int
    theta: np.ndarray
    first_moment: np.ndarray
    second_moment: np.ndarray
    accumulated: np.ndarray
    accumulated_count: int
    strategy: str


def save_checkpoint(folder: RunFolder, session: Session, checkpoint: Checkpoint) -> None:
    """Write a checkpoint durably and keep the newest two.

    Raises:
        OSError: the disk is full, say; the older ones are as they were.
        Superseded: there is a newer session.
        ValueError: an array is not float64 [n].
    """
    for name in ARRAYS:
        array = getattr(checkpoint, name)
        if array.dtype != np.float64 or array.shape != (len(checkpoint.theta),):
            raise ValueError(f"{name} is {array.dtype} {list(array.shape)}, not float64 [n]")
    path = _path(folder, checkpoint.ticket, session.epoch)

    def fill(file: h5py.File) -> None:
        file.attrs["schema"] = SCHEMA
        file.attrs["sha256"] = _checksum(checkpoint)
        for name in NUMBERS:
            file.attrs[name] = getattr(checkpoint, name)
        for name, meaning in ARRAYS.items():
            file.create_dataset(name, data=getattr(checkpoint, name)).attrs["meaning"] = meaning
        strategy = file.create_dataset("strategy", data=checkpoint.strategy, dtype=TEXT)
        strategy.attrs["meaning"] = "state of a strategy without shards, JSON"

    with guarded(folder, session.epoch) as check:
        write_hdf5(path, fill, _read, check)
    _forget_old(folder, session)


def load_checkpoint(folder: RunFolder) -> Checkpoint | None:
    """The newest checkpoint that counts; None if there is none.

    One that is damaged is passed over, with a warning, for the one before.
    """
    while True:
        try:
            for ticket, epoch in reversed(_counting(folder)):
                try:
                    return _read(_path(folder, ticket, epoch))
                except DamagedFile as error:
                    log.warning("%s; going back to the checkpoint before it", error)
            return None
        except FileNotFoundError:
            time.sleep(0.01)  # its writer has saved newer ones meanwhile: look again


def _forget_old(folder: RunFolder, session: Session) -> None:
    kept = _counting(folder)[-KEPT:]
    for ticket, epoch in _listed(folder):
        if (ticket, epoch) not in kept and epoch <= session.epoch:
            _path(folder, ticket, epoch).unlink(missing_ok=True)


def _listed(folder: RunFolder) -> list[tuple[int, int]]:
    matches = (NAME.fullmatch(path.name) for path in folder.checkpoints.glob("*.h5"))
    return sorted((int(match[1]), int(match[2])) for match in matches if match)


def _counting(folder: RunFolder) -> list[tuple[int, int]]:
    files = _listed(folder)
    ancestry = lineage(folder)
    return [file for file in files if ancestry.counts_checkpoint(epoch=file[1], ticket=file[0])]


def _path(folder: RunFolder, ticket: int, epoch: int) -> Path:
    return folder.checkpoints / f"{ticket:09d}-{epoch:06d}.h5"


def _read(path: Path) -> Checkpoint:
    with reading(path) as file:
        if file.attrs["schema"] != SCHEMA:
            raise ValueError(f"its layout has version {file.attrs['schema']}, not {SCHEMA}")
        checkpoint = Checkpoint(
            ticket=int(file.attrs["ticket"]),
            version=int(file.attrs["version"]),
            theta=file["theta"][()],
            first_moment=file["first_moment"][()],
            second_moment=file["second_moment"][()],
            accumulated=file["accumulated"][()],
            accumulated_count=int(file.attrs["accumulated_count"]),
            strategy=file["strategy"].asstr()[()],
        )
        if file.attrs["sha256"] != _checksum(checkpoint):
            raise ValueError("its contents do not fit their checksum")
        return checkpoint


def _checksum(checkpoint: Checkpoint) -> str:
    return checksum(*vars(checkpoint).values())
