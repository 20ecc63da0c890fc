"""A reader that is open throughout, and remembers what it has seen acknowledged."""

from __future__ import annotations

import threading

from nas_hpc.store import RunFolder, SearchReader

SECONDS = 0.1
"""Between two readings."""


class Watch:
    """Reads a search again and again in a thread, from before its beginning until `stop`.

    Attributes:
        acknowledged: rewards by trial, as they were first seen.
        lost: trials whose reward was missing later, or another.
        failures: what went wrong in reading.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="reader")
        self.acknowledged: dict[int, float] = {}
        self.lost: set[int] = set()
        self.failures: list[str] = []
        self._thread.start()

    def stop(self) -> None:
        """Read once more, and end."""
        self._over.set()
        self._thread.join()

    def _read_on(self) -> None:
        reader = SearchReader(self._folder)
        while True:
            last = self._over.wait(SECONDS)
            if not self._folder.sessions.exists():
                if last:
                    return
                continue
            try:
                log = reader.read()
            except Exception as error:  # whatever it is, it is what is looked for
                self.failures.append(f"{type(error).__name__}: {error}")
                reader = SearchReader(self._folder)
                if last:
                    return
                continue
            seen = {o.trial: o.reward for o in log.outcomes if o.answers}
            self.lost |= {t for t, reward in self.acknowledged.items() if seen.get(t) != reward}
            self.acknowledged = seen | self.acknowledged
            if last:
                return
