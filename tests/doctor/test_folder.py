import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_hpc.children import prepare
from nas_hpc.doctor import folder
from nas_hpc.doctor.finding import check
from nas_hpc.experiment import Experiment
from tests.small_disk import SmallDisk

SMALL = Experiment.model_validate(
    {"name": "small", "data": {"options": {"train": 60, "validation": 40}}, "budget": {"trials": 9}}
)

REFUSE_FLOCK = """
import ctypes, struct, sys
from pathlib import Path
# A kernel filter that lets every system call through but flock (73 on x86-64).
refuse, allow = 0x00050000 + int(sys.argv[2]), 0x7FFF0000
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 73), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
code = b"".join(struct.pack("HBBI", *one) for one in code)
held = ctypes.create_string_buffer(code)
filter = struct.pack("HxxxxxxQ", 4, ctypes.addressof(held))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(filter), 0, 0) == 0, ctypes.get_errno()
from nas_hpc.doctor import folder
for look in (folder.locks, folder.hdf5_locks):
    finding = look(Path(sys.argv[1]))
    print(finding.level, finding.found, finding.mend, sep=" | ")
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of one megabyte and 20 inodes."""
    disk = SmallDisk(tmp_path / "disk", "1m", 20)
    yield disk
    disk.unmount()


@pytest.fixture
def disk(small: SmallDisk) -> Path:
    return small.path


def test_a_good_folder_is_found_good(tmp_path):
    trial = folder.trial_folder(tmp_path / "runs" / "small")
    assert trial.parent.stat().st_mode & 0o777 == trial.stat().st_mode & 0o777 == 0o700
    findings = {f.what: f for f in folder.folder_checks(SMALL, trial.parent, trial)}
    assert [what for what, f in findings.items() if f.level == "FAILED"] == []
    assert findings["data"].level == "warning" and "nas-hpc prepare small" in findings["data"].mend
    prepare(SMALL, trial.parent / "data")
    assert "60 train, 40 validation" in folder.data(SMALL, trial.parent).found


@pytest.mark.parametrize(
    ("mode", "level", "said"),
    [(0o770, "FAILED", "others can write"), (0o755, "warning", "others can read")],
)
def test_others_in_the_folder(tmp_path, mode, level, said):
    place = tmp_path / "runs"
    place.mkdir()
    place.chmod(mode)
    found = folder.permissions(place)
    assert found.level == level and said in found.found and found.mend == f"chmod 700 {place}"


def test_others_above_the_folder(tmp_path):
    place = tmp_path / "above" / "runs"
    place.mkdir(parents=True, mode=0o700)
    place.parent.chmod(0o777)
    found = folder.permissions(place)
    assert found.level == "warning" and found.mend == f"chmod go-w {place.parent}"
    place.parent.chmod(0o1777)
    assert folder.permissions(place).level == "ok"


def test_a_disk_without_room_or_inodes(disk):
    found = folder.room(SMALL, disk)
    assert found.level == "FAILED" and "inodes free" in found.found
    subprocess.run(["mount", "-o", "remount,nr_inodes=100000", str(disk)], check=True)
    found = folder.room(SMALL, disk)
    assert found.level == "FAILED" and found.found.startswith("0.0 GiB")
    subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
    assert folder.room(SMALL, disk).level == "warning"
    subprocess.run(["mount", "-o", "remount,size=11g", str(disk)], check=True)
    assert folder.room(SMALL, disk).level == "ok"


def test_a_full_disk(small):
    small.fill()
    for look in (folder.renames, folder.exclusive):
        found = check("full", lambda look=look: look(small.path))
        assert found.level == "FAILED" and "No space left" in found.found


def test_a_folder_where_names_stay_as_they_are(disk):
    marked = subprocess.run(["chattr", "+a", str(disk)], capture_output=True, text=True)
    if marked.returncode != 0:
        pytest.skip(f"refused renames are NOT tested here: {marked.stderr.strip()}")
    try:
        for look in (folder.renames, folder.exclusive):
            found = check("append only", lambda look=look: look(disk))
            assert found.level == "FAILED" and "Operation not permitted" in found.found
    finally:
        subprocess.run(["chattr", "-a", str(disk)], check=True)


def test_a_read_only_disk(disk):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    found = folder.permissions(disk)
    assert found.level == "FAILED" and "cannot be written" in found.found
    with pytest.raises(OSError, match="Read-only"):
        folder.trial_folder(disk)


@pytest.mark.parametrize(
    ("refusal", "setting", "level", "mend"),
    [
        (errno.ENOTSUP, "TRUE", "FAILED", "export HDF5_USE_FILE_LOCKING=FALSE"),
        (errno.ENOTSUP, "FALSE", "warning", "unset it"),
        (errno.ENOSYS, "TRUE", "FAILED", "export HDF5_USE_FILE_LOCKING=BEST_EFFORT"),
        (errno.ENOSYS, "BEST_EFFORT", "warning", "unset it"),
    ],
)
def test_a_file_system_without_locks(tmp_path, refusal, setting, level, mend):
    command = [sys.executable, "-c", REFUSE_FLOCK, str(tmp_path), str(refusal)]
    environment = os.environ | {"HDF5_USE_FILE_LOCKING": setting}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    flock, hdf5 = done.stdout.splitlines()
    assert flock.startswith("FAILED | flock fails: ") and "mount option flock" in flock
    assert hdf5.startswith(level) and mend in hdf5


def test_hdf5_without_locking(tmp_path, monkeypatch):
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    found = folder.hdf5_locks(tmp_path)
    assert found.level == "warning" and "HDF5_USE_FILE_LOCKING=FALSE" in found.found


def test_a_clock_that_is_off():
    assert folder.clock(-0.2).level == folder.clock(0.2).level == "ok"
    found = folder.clock(-90.0)
    assert found.level == "warning" and found.found == "90.0 s behind this machine's"
