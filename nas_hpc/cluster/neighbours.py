"""Slots whose children share memory: they train side by side, or one of them alone."""

from __future__ import annotations

import errno
import fcntl
import logging
from pathlib import Path

logger = logging.getLogger(__name__)

DOOR, ROOM = 0, 1
"""Bytes of the file that are locked: whoever wants to be alone keeps the door, so that it opens to
nobody else, until all that train in the room have left it."""

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems say that are mounted without locks."""


class Neighbours:
    """One slot's part in it; what it holds ends with its process.

    Args:
        file: of all neighbours, made if need be; None: it has none.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = None if file is None else file.open("a+b", buffering=0)

    def join(self) -> bool:
        """Train beside others; False while another is alone, or wants to be."""
        if not self._take(fcntl.LOCK_SH, DOOR):
            return False
        joined = self._take(fcntl.LOCK_SH, ROOM)
        self._free(DOOR)
        return joined

    def be_alone(self) -> bool:
        """Train alone; False as long as others still train, but none of them begins anew."""
        return self._take(fcntl.LOCK_EX, DOOR) and self._take(fcntl.LOCK_EX, ROOM)

    def leave(self) -> None:
        """Train no more."""
        self._free(ROOM)
        self._free(DOOR)

    def _take(self, kind: int, byte: int) -> bool:
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, kind | fcntl.LOCK_NB, 1, byte)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            logger.warning("%s: %s; so no trial is trained alone", self._file.name, error)
            self._file.close()
            self._file = None
        return True

    def _free(self, byte: int) -> None:
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
