"""Slots that are submitted together: what is asked, what is answered, and where it is written."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from nas_hpc.store import Identity, RunFolder
from nas_hpc.store.durable import read_json, write_json

UNANSWERED_SECONDS = 120.0
"""Age at which the files of a submission that never answered are cleared away."""


@dataclass(frozen=True)
class Batch:
    """Slots that are submitted together.

    Attributes:
        folder: of the search.
        name: unique, ``nas-<search>-<session>-<number>``.
        slots: their names.
    """

    folder: RunFolder
    name: str
    slots: tuple[str, ...]

    @classmethod
    def of(cls, intent: Path) -> Batch:
        """The batch of an intent file."""
        data = read_json(intent)
        return cls(RunFolder(Path(data["run"])), data["name"], tuple(data["slots"]))

    @property
    def intent(self) -> Path:
        """Written durably before anything is submitted."""
        return self.folder.jobs / f"{self.name}.json"

    @property
    def answer(self) -> Path:
        """Written durably after all is submitted: the process in charge of each slot."""
        return self.folder.jobs / f"{self.name}.submitted.json"

    @property
    def files(self) -> Path:
        """Folder of submitit's files; its own, since they are named by process numbers."""
        return self.folder.jobs / self.name

    def prepare(self) -> None:
        """Make the folder and write the intent."""
        self.files.mkdir(mode=0o700)
        run = str(self.folder.root.resolve())
        write_json(self.intent, {"name": self.name, "run": run, "slots": list(self.slots)})

    def controllers(self) -> dict[str, Identity] | None:
        """For each slot the process that submitit watches it with; None before the answer."""
        try:
            data = read_json(self.answer)
        except FileNotFoundError:
            return None
        return {slot: Identity(**identity) for slot, identity in data.items()}


@dataclass
class Asked:
    """A batch, and what a session knows of it.

    Attributes:
        batch: the slots asked for.
        submitter: the process that submits them, while it runs and is ours.
        controllers: see `Batch.controllers`.
    """

    batch: Batch
    submitter: subprocess.Popen[bytes] | None = None
    controllers: dict[str, Identity] | None = None

    def hear(self) -> bool:
        """Read the answer if there is one now; False if the submitter ended without."""
        ended = self.submitter is not None and self.submitter.poll() is not None
        if self.controllers is None:
            self.controllers = self.batch.controllers()
        if ended:
            self.submitter = None
        return self.controllers is not None or not ended

    def pending(self, slot: str) -> bool:
        """Whether the slot, not seen so far, may yet appear."""
        if self.controllers is None:
            return self.submitter is not None
        return self.controllers[slot].alive()

    def over(self) -> bool:
        """Whether nothing that it started is watched any more."""
        if self.controllers is not None:
            return not any(controller.alive() for controller in self.controllers.values())
        age = time.time() - self.batch.intent.stat().st_mtime
        return self.submitter is None and age > UNANSWERED_SECONDS
