"""A daemon of the cluster: started, remembered by its process, ended by that alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nas_hpc.store.identity import Identity

# Starts a daemon as a child of init: whoever asked for it may end before it or after.
LAUNCH = """
import subprocess, sys
print(subprocess.Popen(sys.argv[1:], stdout=sys.stderr).pid)
"""


class Trouble(Exception):
    """The cluster, or a part of it, does not do what it should."""


def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait for a condition.

    Raises:
        Trouble: it was not met in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Trouble(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Daemon:
    """One program in the foreground of a session of its own.

    Attributes:
        name: what it is called in the cluster's folder.
        command: starts it so that it stays in the foreground.
        environment: all of its environment.
        remembered: a file that holds its process's identity.
        output: a file that takes its standard output and error.
        ready: whether it does its work.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    remembered: Path
    output: Path
    ready: Callable[[], bool] = field(compare=False)

    def identity(self) -> Identity | None:
        """The process that was started last, running or not."""
        if not self.remembered.exists():
            return None
        return Identity(**json.loads(self.remembered.read_text()))

    def alive(self) -> bool:
        """Whether it runs."""
        identity = self.identity()
        return identity is not None and identity.alive()

    def start(self, seconds: float = 30.0) -> None:
        """Start it, unless it runs, and wait until it does its work.

        Raises:
            Trouble: it ended or is not ready in time.
        """
        if not self.alive():
            self._start()
        until(lambda: not self.alive() or self.ready(), self.name, seconds)
        if not self.alive():
            raise Trouble(f"{self.name} ended at its start; see {self.output.parent}")

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        # One that is paused takes no other signal.
        self._end(signal.SIGCONT, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it holds its ports, and does not answer."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    def _start(self) -> None:
        with self.output.open("ab") as output:
            launched = subprocess.run(
                [sys.executable, "-c", LAUNCH, *self.command],
                env=dict(self.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
                check=True,
            )
        self.remembered.write_text(json.dumps(Identity.of(int(launched.stdout)).json()))

    def _send(self, number: signal.Signals) -> None:
        identity = self.identity()
        if identity is None or not identity.alive():
            raise Trouble(f"{self.name} does not run")
        os.kill(identity.pid, number)

    def _end(self, *numbers: signal.Signals) -> None:
        if not self.alive():
            return
        for number in numbers:
            self._send(number)
        until(lambda: not self.alive(), f"the end of {self.name}", 30)
