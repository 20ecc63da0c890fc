"""Messages between MPI ranks, without a busy wait and without a deadlock.

Sends never block (`isend`, kept until delivered), and receivers sleep between polls: a blocking
MPI receive spins, and a few idle ranks would starve the children on the same cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from mpi4py import MPI

SHORTEST_SLEEP = 0.0005
LONGEST_SLEEP = 0.02


class Nap:
    """Sleeps that grow while nothing happens, in seconds."""

    def __init__(self, longest: float = LONGEST_SLEEP) -> None:
        self._longest = longest
        self._next = SHORTEST_SLEEP

    def __call__(self, something_happened: bool) -> None:
        """Sleep after an idle round; after a busy one only start over with short sleeps."""
        if something_happened:
            self._next = SHORTEST_SLEEP
            return
        time.sleep(self._next)
        self._next = min(self._next * 1.5, self._longest)


class Mail:
    """One rank's post office."""

    def __init__(self, communicator: MPI.Comm) -> None:
        self._communicator = communicator
        self._sending: list[MPI.Request] = []
        self._put_off: list[tuple[int, Any]] = []

    def send(self, rank: int, message: Any) -> None:
        """Send without waiting; messages to one rank arrive in the order sent."""
        self._sending.append(self._communicator.isend(message, dest=rank))

    def receive(self) -> tuple[int, Any] | None:
        """A (sender, message) that has arrived, oldest first; None if there is none."""
        if self._put_off:
            return self._put_off.pop(0)
        return self._arrived()

    def arrivals(self, until: type) -> Iterator[tuple[int, Any]]:
        """Every (sender, message) as it arrives, up to a message of the type ``until``."""
        nap = Nap()
        while True:
            arrived = self.receive()
            nap(arrived is not None)
            if arrived is None:
                continue
            if isinstance(arrived[1], until):
                return
            yield arrived

    def wait_for(self, wanted: Callable[[Any], bool]) -> tuple[int, Any]:
        """The next message that is wanted; others are put off for `receive`."""
        for i, (_, message) in enumerate(self._put_off):
            if wanted(message):
                return self._put_off.pop(i)
        nap = Nap()
        while True:
            arrived = self._arrived()
            if arrived is not None and wanted(arrived[1]):
                return arrived
            if arrived is not None:
                self._put_off.append(arrived)
            nap(arrived is not None)

    def flush(self) -> None:
        """Wait until everything sent has been delivered."""
        nap = Nap()
        while self._sending:
            self._arrived_sends()
            nap(False)

    def _arrived(self) -> tuple[int, Any] | None:
        self._arrived_sends()
        status = MPI.Status()
        waiting = self._communicator.improbe(status=status)
        return None if waiting is None else (status.Get_source(), waiting.recv())

    def _arrived_sends(self) -> None:
        self._sending = [request for request in self._sending if not request.Test()]
