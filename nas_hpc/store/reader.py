"""Reading a search at any moment, while its writer appends, merges and deletes.

Segments lie in ``segments/<first>-<last>-<epoch>.h5``: a fresh one covers a single sequence number,
a merged one everything from 1. The *view* of the search is the merged file that reaches furthest
and the single ones after it, as far as they count (see `lock`).

Why nothing recorded is missed: the writer deletes a file only once a merged one covers it, oldest
first. If a segment is absent from a listing, then because a merged file took its place; if that one
is absent too, being younger than the start of the listing, then all older files were deleted before
this segment was, and opening the first of them fails: the reader looks again. It keeps what it has
read, so each new look is about less.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

from nas_hpc.store.folder import RunFolder
from nas_hpc.store.hdf5 import DamagedFile
from nas_hpc.store.lock import Lineage, lineage
from nas_hpc.store.records import SearchLog
from nas_hpc.store.rows import decode
from nas_hpc.store.segments import after, read_segment

PATIENCE = 60.0
"""Seconds for which a gap in a listing may last: shared file systems show old listings so long."""

NAME = re.compile(r"(\d{9})-(\d{9})-(\d{6})\.h5")


@dataclass(frozen=True, order=True)
class SegmentFile:
    """A file of segments, told by its name.

    Attributes:
        last, first: sequence numbers that it covers.
        epoch: of the session that wrote it.
    """

    last: int
    epoch: int
    first: int

    def path(self, folder: RunFolder) -> Path:
        """Where it lies."""
        return folder.segments / f"{self.first:09d}-{self.last:09d}-{self.epoch:06d}.h5"


class Gap(RuntimeError):
    """A listing lacks segments: it is stale, or they were lost."""


def listed(folder: RunFolder) -> list[SegmentFile]:
    """All files of segments, those that do not count included, by their last number."""
    matches = (NAME.fullmatch(path.name) for path in folder.segments.glob("*.h5"))
    return sorted(
        SegmentFile(first=int(m[1]), last=int(m[2]), epoch=int(m[3])) for m in matches if m
    )


def view(files: list[SegmentFile], ancestry: Lineage, merged: bool) -> list[SegmentFile]:
    """The files that make up the search, in order.

    Args:
        files: a listing.
        ancestry: read after the listing.
        merged: whether there has been a merge, so that an empty listing cannot be true.

    Raises:
        Gap: files are missing.
    """
    counting = [file for file in files if ancestry.counts(file.epoch, file.last)]
    found: list[SegmentFile] = [file for file in counting if file.first == 1][-1:]
    for file in counting:
        if file.last > (found[-1].last if found else 0):
            if file.first != (found[-1].last + 1 if found else 1):
                raise Gap(f"before segment {file.first}")
            found.append(file)
    reached = found[-1].last if found else 0
    if reached < ancestry.inherited or (merged and not found):
        raise Gap(f"after segment {reached}")
    return found


def current_view(folder: RunFolder) -> tuple[list[SegmentFile], Lineage]:
    """The view of the search now, and by what it was judged.

    Raises:
        DamagedFile: segments are missing, and have been for `PATIENCE`.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        merged = folder.search.is_symlink()
        files = listed(folder)
        ancestry = lineage(folder)
        try:
            return view(files, ancestry, merged), ancestry
        except Gap as gap:
            if time.monotonic() > deadline:
                raise DamagedFile(folder.segments, f"a segment is missing {gap}") from gap
            time.sleep(0.05)


def last_segment(folder: RunFolder) -> int:
    """The sequence number of the last segment that counts; 0 for none."""
    files, _ = current_view(folder)
    return files[-1].last if files else 0


def read_search(folder: RunFolder) -> SearchLog:
    """Everything recorded, at any moment.

    Raises:
        DamagedFile: a segment is missing or cannot be read.
    """
    return SearchReader(folder).read()


class SearchReader:
    """Reads a search again and again, and each time only what is new."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._last = 0
        self._read: dict[int, int] = {}
        self._parts: list[SearchLog] = []

    def read(self) -> SearchLog:
        """Everything recorded until now.

        Raises:
            DamagedFile: a segment is missing or cannot be read.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            files, ancestry = current_view(self.folder)
            if not all(ancestry.counts(epoch, last) for epoch, last in self._read.items()):
                # A late segment of a stalled writer was read and has been cut off since.
                self._last, self._read, self._parts = 0, {}, []
            try:
                for file in files:
                    self._take(file)
            except FileNotFoundError:
                if time.monotonic() > deadline:
                    raise
                continue
            self._parts = [_joined(self._parts)]
            return self._parts[0]

    def _take(self, file: SegmentFile) -> None:
        if file.last <= self._last:
            # Nothing to read, but only its being there shows that the listing was not outrun.
            file.path(self.folder).stat()
            return
        arrays = read_segment(file.path(self.folder))
        log = decode(after(arrays, self._last) if file.first <= self._last else arrays)
        self._parts.append(log)
        self._last = file.last
        self._read[file.epoch] = file.last


def _joined(parts: list[SearchLog]) -> SearchLog:
    """One log of several, in their order."""
    names = [field.name for field in fields(SearchLog)]
    return SearchLog(
        **{name: tuple(chain.from_iterable(getattr(p, name) for p in parts)) for name in names}
    )
