"""The one writer of a search: immutable segments, merged from time to time.

What if a writer stalls, a newer session takes over, and the old one wakes up?

- Between its check and its rename: its segment gets a name, but the check after the rename fails,
  so it never calls it recorded. Readers drop it (see `lock`).
- In a merge: merged files have names of their own, with their range and epoch, and replace nothing.
  What the old one merged had all been recorded before it was fenced, so its file says nothing
  wrong, and reaches no further than what the new session took over.
- While deleting: it deletes only files of its own or older epochs that its merged file covers. That
  file is there, or was deleted because a longer one is.
- While pointing ``search.h5`` to its merge: that symbolic link is for people and other programs,
  and may then be behind until the next merge or `close`. Nothing in this package reads it.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Sequence

from nas_hpc.store.durable import sync_folder
from nas_hpc.store.folder import RunFolder
from nas_hpc.store.lock import Session, check_current, guarded
from nas_hpc.store.reader import SegmentFile, current_view, listed
from nas_hpc.store.records import Record
from nas_hpc.store.rows import encode
from nas_hpc.store.segments import Arrays, concatenate, read_segment, write_segment

MERGE_AFTER = 64

log = logging.getLogger(__name__)


class Writer:
    """Records what happens in a search. Only the current session may have one.

    Args:
        folder: of the search.
        session: as claimed.

    Raises:
        Superseded: there is a newer session.
        DamagedFile: segments are missing.
    """

    def __init__(self, folder: RunFolder, session: Session) -> None:
        check_current(folder, session.epoch)
        self.folder = folder
        self.epoch = session.epoch
        files, _ = current_view(folder)
        self._last = files[-1].last if files else 0
        self._unmerged = sum(file.first == file.last for file in files)

    def commit(self, records: Sequence[Record]) -> None:
        """Record all of them or none; when this returns, they survive whatever happens.

        Raises:
            OSError: the disk is full, say; nothing was recorded, the same call may be repeated.
            Superseded: there is a newer session; nothing was recorded, or what it took over.
            OverflowError, TypeError: a record cannot be stored.
        """
        if not records:
            return
        number = self._last + 1
        self._write(
            SegmentFile(first=number, last=number, epoch=self.epoch), encode(records, number)
        )
        self._last = number
        self._unmerged += 1
        if self._unmerged % MERGE_AFTER == 0:
            try:
                self.merge()
            except OSError as error:
                # The records are safe; the next merge takes more of them at once.
                log.warning("%s: segments were not merged: %s", self.folder.root, error)

    def merge(self) -> None:
        """Put everything recorded into one file, ``search.h5``, and delete what it replaces.

        Raises:
            OSError: the disk is full, say; nothing is lost.
            DamagedFile: a segment cannot be read; nothing is deleted.
            Superseded: there is a newer session.
        """
        files = [file for file in current_view(self.folder)[0] if file.last <= self._last]
        if not files:
            return
        merged = files[0]
        if len(files) > 1:
            merged = SegmentFile(first=1, last=self._last, epoch=self.epoch)
            self._write(merged, concatenate([read_segment(f.path(self.folder)) for f in files]))
        self._publish(merged)
        for file in listed(self.folder):
            if file != merged and file.last <= merged.last and file.epoch <= self.epoch:
                file.path(self.folder).unlink(missing_ok=True)
        self._unmerged = 0

    def close(self) -> None:
        """Merge, so that ``search.h5`` holds everything."""
        self.merge()

    def _write(self, file: SegmentFile, arrays: Arrays) -> None:
        path = file.path(self.folder)
        covers = {"first": file.first, "last": file.last, "epoch": file.epoch}
        with guarded(self.folder, self.epoch) as check:
            try:
                write_segment(path, arrays, **covers, check=check)
            except OSError:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)  # it may have got its name, but not durably
                raise

    def _publish(self, merged: SegmentFile) -> None:
        target = merged.path(self.folder).relative_to(self.folder.root)
        link = self.folder.root / f".{self.folder.search.name}.{secrets.token_hex(4)}.tmp"
        try:
            link.symlink_to(target)
            check_current(self.folder, self.epoch)
            link.rename(self.folder.search)
        finally:
            link.unlink(missing_ok=True)
        sync_folder(self.folder.root)
