"""The folder of runs: who may write there, its room, and what its file system can do."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from nas_hpc.children import prepared
from nas_hpc.doctor.finding import Finding, check, failed, warning
from nas_hpc.experiment import Experiment
from nas_hpc.store import read_json, write_json
from nas_hpc.store.durable import create_json
from nas_hpc.store.locking import refuses_second_writer

GIB = 2**30
LEAST_BYTES, ENOUGH_BYTES = GIB // 4, 10 * GIB
FILES_PER_SLOT = 50
"""Files that a slot and its trials may have at a time; far fewer remain of each trial."""

RENAMES = 50
CLOCK_SECONDS = 5.0
ELSEWHERE = "set `runs` of the experiment to a folder on another file system"


def trial_folder(place: Path) -> Path:
    """An empty folder where files can be made, in a folder of runs; both for their owner alone.

    Raises:
        OSError: it cannot be made.
    """
    if not place.is_dir():
        place.mkdir(parents=True, mode=0o700)
        place.chmod(0o700)
    return Path(tempfile.mkdtemp(prefix="doctor-", dir=place)).resolve()


def folder_checks(experiment: Experiment, place: Path, trial: Path) -> Iterator[Finding]:
    """What is asked of the file system.

    Args:
        experiment: what will run.
        place: the folder of its runs.
        trial: an empty folder in it, where files can be made.
    """
    yield check("permissions", lambda: permissions(place))
    yield check("room", lambda: room(experiment, place))
    yield check("rename", lambda: renames(trial))
    yield check("exclusive names", lambda: exclusive(trial))
    yield check("file locks", lambda: locks(trial))
    yield check("HDF5 locks", lambda: hdf5_locks(trial))
    yield check("file system's clock", lambda: clock(clock_ahead(trial)))
    yield check("data", lambda: data(experiment, place))


def permissions(place: Path) -> Finding:
    """Whoever can write here chooses what runs as the owner."""
    mode = place.stat().st_mode & 0o777
    found = f"{place.resolve()} has mode {mode:04o}"
    if not os.access(place, os.W_OK | os.X_OK):
        return failed(f"{found} and cannot be written", ELSEWHERE)
    if mode & 0o022:
        return failed(f"{found}, so others can write there", f"chmod 700 {place}")
    for parent in place.resolve().parents:
        above = parent.stat().st_mode
        if above & 0o022 and not above & 0o1000:
            return warning(f"others can replace what is in {parent}", f"chmod go-w {parent}")
    if mode & 0o077:
        return warning(f"{found}, so others can read it", f"chmod 700 {place}")
    return Finding(found)


def room(experiment: Experiment, place: Path) -> Finding:
    """Free bytes and inodes; a quota shows here only where the file system says so."""
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    found = f"{free / GIB:,.1f} GiB and {_inodes(disk)} free; see your quota too"
    needed = experiment.slots.count * FILES_PER_SLOT + experiment.budget.trials // 10
    if disk.f_files and disk.f_favail < needed:
        return failed(f"{found}; up to {needed:,} files will be there", f"delete, or {ELSEWHERE}")
    if free < LEAST_BYTES:
        return failed(found, f"delete, or {ELSEWHERE}")
    if free < ENOUGH_BYTES:
        return warning(found, "epoch checkpoints of large children may not fit; delete files")
    return Finding(found)


def renames(trial: Path) -> Finding:
    """A reader sees the old file or the new one, whole, whenever it looks."""
    file = trial / "renamed.json"
    text = "x" * 100_000
    write_json(file, {"number": 0, "text": text})
    done = threading.Event()
    broken: list[str] = []

    def read() -> None:
        while not (done.is_set() or broken):
            try:
                if read_json(file)["text"] != text:
                    broken.append("a part of a file")
            except (OSError, ValueError) as error:
                broken.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    began = time.perf_counter()
    try:
        for number in range(RENAMES):
            write_json(file, {"number": number, "text": text})
    finally:
        done.set()
        reader.join()
    if broken:
        return failed(f"a reader saw {broken[0]} while a file was replaced", ELSEWHERE)
    seconds = (time.perf_counter() - began) / RENAMES
    return Finding(f"replaces a file in one step; made durable in {seconds * 1000:.1f} ms")


def exclusive(trial: Path) -> Finding:
    """Of two that create the same name, one wins: by a hard link, and when opened exclusively."""
    for create in (lambda path: create_json(path, {}), lambda path: path.touch(exist_ok=False)):
        file = trial / "exclusive.json"
        create(file)
        with contextlib.suppress(FileExistsError):
            create(file)
            return failed("a name that was there could be created once more", ELSEWHERE)
        file.unlink()
    return Finding("a name is created once, also by a hard link")


def locks(trial: Path) -> Finding:
    """Two trainings of the same work keep apart by flock."""
    mend = f"ask for the mount option flock, or {ELSEWHERE}"
    with (trial / "locked").open("w") as one, (trial / "locked").open("w") as other:
        try:
            fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return failed(f"flock fails: {error.strerror}", mend)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return failed("flock lets two in at a time", mend)
    return Finding("flock lets one in at a time")


def hdf5_locks(trial: Path) -> Finding:
    """Readers of HDF5 files fail on file systems that cannot lock."""
    setting = os.environ.get("HDF5_USE_FILE_LOCKING")
    said = f" (HDF5_USE_FILE_LOCKING={setting})" if setting else ""
    try:
        refused = refuses_second_writer(trial / "locked.h5")
    except OSError as error:
        if "lock file" not in str(error):
            raise
        enough = "BEST_EFFORT" if error.errno == errno.ENOSYS else "FALSE"
        return failed(
            f"HDF5 files cannot be opened: {error}{said}",
            f"export HDF5_USE_FILE_LOCKING={enough}, and name that variable under `environment` in "
            "slurm/children.yaml; searches do not rely on it",
        )
    if refused:
        return Finding(f"a file open for writing cannot be opened once more{said}")
    return warning(
        f"a file open for writing can be opened once more{said}",
        "unset it, if this mount allows" if setting else "nothing: searches do not rely on it",
    )


def clock_ahead(trial: Path) -> float:
    """How many seconds the clock that dates files is ahead of ours."""
    file = trial / "dated"
    before = time.time()
    file.touch()
    dated = file.stat().st_mtime
    after = time.time()
    return dated - min(max(dated, before), after)


def clock(ahead: float) -> Finding:
    """Ages of files are compared with our clock."""
    found = f"{abs(ahead):.1f} s {'ahead of' if ahead >= 0 else 'behind'} this machine's"
    if abs(ahead) > CLOCK_SECONDS:
        return warning(found, "ask the administrators to synchronise the clocks (NTP)")
    return Finding(found)


def data(experiment: Experiment, place: Path) -> Finding:
    """Children load the prepared files."""
    about = prepared(experiment, place / "data")
    if about is None:
        return warning(
            f"{experiment.data.name!r} is not prepared",
            f"the workflow does it, or now: nas-hpc prepare {experiment.name}",
        )
    parts = ", ".join(f"{about[part][0]} {part}" for part in ("train", "validation", "test"))
    return Finding(f"{experiment.data.name!r} is prepared: {parts}")


def _inodes(disk: os.statvfs_result) -> str:
    return f"{disk.f_favail:,} inodes" if disk.f_files else "uncounted inodes"
