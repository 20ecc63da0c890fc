"""One child process of a slot, kept warm: trials go in as lines, answers come out as lines."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas_hpc.store import Identity, RunFolder, Status

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

REQUESTS = (signal.SIGTERM, signal.SIGUSR2)
"""What Slurm sends to all processes of a task that is to end; no sign of too little memory."""


class ChildEnded(RuntimeError):
    """The child ended, or said something it should not.

    Attributes:
        status: ``killed`` by a signal that is no request, or ``lost``.
        reason: one line.
        told_to: whether it was by one of `REQUESTS`.
    """

    def __init__(self, status: Status, reason: str, told_to: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.told_to = told_to


def command(folder: RunFolder, slot: str) -> list[str]:
    """What the child is."""
    return [sys.executable, "-m", "nas_hpc", "child", str(folder.root), slot]


class WarmChild:
    """The process of `command`, with pipes to it.

    It leads a process group of its own, so that its helpers end with it, and dies when the slot
    does, however the slot ended: an orphan would train on beside the trial's next attempt.
    """

    def __init__(self, folder: RunFolder, slot: str, environment: Mapping[str, str]) -> None:
        slot_pid = os.getpid()

        def die_with_slot() -> None:
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != slot_pid:
                os._exit(1)

        self._process = subprocess.Popen(
            command(folder, slot),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_slot,
            bufsize=0,
        )
        self._answers = b""
        self.identity = Identity.of(self._process.pid)

    def train(self, claim: Path, attempt: int) -> None:
        """Give it a trial; a child that has just ended is noticed by `answer`."""
        assert self._process.stdin is not None
        line = json.dumps({"claim": str(claim), "attempt": attempt}) + "\n"
        try:
            self._process.stdin.write(line.encode())
        except BrokenPipeError:
            return

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """Its next answer, or None if there is none for so many seconds.

        Raises:
            ChildEnded: there will be none.
        """
        assert self._process.stdout is not None
        if b"\n" not in self._answers:
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                return None
            received = os.read(self._process.stdout.fileno(), 65536)
            if not received:
                raise self._ending()
            self._answers += received
        line, newline, rest = self._answers.partition(b"\n")
        if not newline:
            return None
        self._answers = rest
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self.kill()
            raise ChildEnded("lost", f"the child said {line[:80]!r} where an answer belongs")
        return answer

    def kill(self) -> None:
        """End it, and all that it has started, at once; it is gone on return."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._close()

    def dismiss(self) -> None:
        """Let it end by itself, which takes the time of an interpreter's exit."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def _ending(self) -> ChildEnded:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            return ChildEnded("lost", "the child closed its answers without ending")
        self._close()
        if -code in REQUESTS:
            return ChildEnded("lost", f"the child was told to end by signal {-code}", told_to=True)
        if code < 0:
            return ChildEnded("killed", f"signal {-code}")
        return ChildEnded("lost", f"the child ended with exit code {code}")

    def _close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
