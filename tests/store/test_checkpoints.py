"""Checkpoints come back bit for bit, or the one before does."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from nas_hpc.store import Checkpoint, RunFolder, load_checkpoint, save_checkpoint
from tests.store.examples import checkpoint, claim, new_folder


def names(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.checkpoints.iterdir())


def assert_same(one: Checkpoint | None, other: Checkpoint) -> None:
    assert one is not None
    for name, value in vars(other).items():
        found = getattr(one, name)
        assert type(found) is type(value)
        assert (
            found.tobytes() == value.tobytes() if isinstance(value, np.ndarray) else found == value
        )


def test_newest_two_are_kept_bit_for_bit(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    session = claim(folder)
    assert load_checkpoint(folder) is None
    for ticket in (1, 5, 12):
        save_checkpoint(folder, session, checkpoint(ticket))
        assert_same(load_checkpoint(folder), checkpoint(ticket))
    assert names(folder) == ["000000005-000001.h5", "000000012-000001.h5"]


def test_special_values_and_no_parameters(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    session = claim(folder)
    none = np.empty(0)
    save_checkpoint(folder, session, Checkpoint(3, 0, none, none, none, none, 0, "{}"))
    assert_same(load_checkpoint(folder), Checkpoint(3, 0, none, none, none, none, 0, "{}"))
    odd = replace(checkpoint(4, size=3), theta=np.array([np.nan, -0.0, 5e-324]))
    save_checkpoint(folder, session, odd)
    assert_same(load_checkpoint(folder), odd)


def test_readable_with_h5py_alone(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    save_checkpoint(folder, claim(folder), checkpoint(12))
    with h5py.File(folder.checkpoints / "000000012-000001.h5") as file:
        numbers = {name: file.attrs[name] for name in file.attrs if name != "sha256"}
        assert numbers == {"schema": 1, "ticket": 12, "version": 6, "accumulated_count": 3}
        assert np.array_equal(file["theta"][()], checkpoint(12).theta)
        assert all(file[name].attrs["meaning"] for name in file)


@pytest.mark.parametrize("damage", ["cut off", "emptied", "flipped", "renumbered"])
def test_damaged_one_falls_back(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = new_folder(tmp_path)
    session = claim(folder)
    for ticket in (1, 2):
        save_checkpoint(folder, session, checkpoint(ticket))
    path = folder.checkpoints / "000000002-000001.h5"
    content = path.read_bytes()
    at = content.index(checkpoint(2).theta[100:110].tobytes())
    changed = {
        "cut off": content[: len(content) // 2],
        "emptied": b"",
        "flipped": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
    }
    if damage == "renumbered":
        with h5py.File(path, "r+") as file:
            file.attrs["version"] = 7
        content = path.read_bytes()
    else:
        path.write_bytes(changed[damage])
    with caplog.at_level(logging.WARNING):
        assert_same(load_checkpoint(folder), checkpoint(1))
    assert str(path) in caplog.text
    second = claim(folder)
    assert second.inherits is not None
    assert second.inherits.ticket == 1
    # Even if it could be read again: the session did not start from it.
    path.write_bytes(content)
    assert_same(load_checkpoint(folder), checkpoint(1))


@pytest.mark.parametrize(
    "theta", [np.zeros(3, np.float32), np.zeros((3, 1)), np.zeros(4), np.zeros(3, np.int64)]
)
def test_wrong_arrays_are_refused(theta: np.ndarray, tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    with pytest.raises(ValueError, match=r"not float64 \[n\]"):
        save_checkpoint(folder, claim(folder), replace(checkpoint(1, size=3), theta=theta))
    assert names(folder) == []


def test_saving_the_same_ticket_again_replaces_it(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    session = claim(folder)
    save_checkpoint(folder, session, checkpoint(1))
    save_checkpoint(folder, session, replace(checkpoint(1), strategy='"new"'))
    assert_same(load_checkpoint(folder), replace(checkpoint(1), strategy='"new"'))
