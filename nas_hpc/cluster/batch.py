"""Slots that are submitted together: what is asked, what is answered, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nas_hpc.store import Identity, RunFolder
from nas_hpc.store.durable import read_json, write_json


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
        """Write the intent and make the folder."""
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
