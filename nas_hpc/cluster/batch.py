"""Slots that are submitted together: what is asked, what is answered, and where it is written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_hpc.cluster.executor import SlotError
from nas_hpc.store import RunFolder
from nas_hpc.store.durable import read_json, write_json

Task = tuple[str, ...]
"""Names of the slots of one task."""


@dataclass(frozen=True)
class Batch:
    """Tasks that are submitted together.

    Attributes:
        folder: of the search.
        name: unique, ``nas-<search>-<session>-<number>``.
        tasks: each with its slots.
        time: of the intent, seconds since 1970.
        place: where the tasks run, as in ``slots.executor``.
    """

    folder: RunFolder
    name: str
    tasks: tuple[Task, ...]
    time: float
    place: str

    @classmethod
    def new(cls, folder: RunFolder, name: str, tasks: tuple[Task, ...], place: str) -> Batch:
        """A batch whose intent is durable, and whose folder is made."""
        batch = cls(folder, name, tasks, time.time(), place)
        batch.files.mkdir(mode=0o700)
        run = str(folder.root.resolve())
        data = {"name": name, "run": run, "tasks": [list(task) for task in tasks]}
        write_json(batch.intent, data | {"time": batch.time, "place": place})
        return batch

    @classmethod
    def of(cls, intent: Path) -> Batch:
        """The batch of an intent file."""
        data = read_json(intent)
        tasks = tuple(tuple(task) for task in data["tasks"])
        folder = RunFolder(Path(data["run"]))
        return cls(folder, data["name"], tasks, data["time"], data["place"])

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of all its slots."""
        return tuple(slot for task in self.tasks for slot in task)

    @property
    def intent(self) -> Path:
        """Written durably before anything is submitted."""
        return self.folder.jobs / f"{self.name}.json"

    @property
    def _answer(self) -> Path:
        """Written durably after all is submitted, or refused."""
        return self.folder.jobs / f"{self.name}.submitted.json"

    @property
    def files(self) -> Path:
        """Folder of submitit's files; its own, since they are named by process numbers."""
        return self.folder.jobs / self.name

    def answer(self, handles: list[Mapping[str, Any]] | None, refused: str = "") -> None:
        """Note by what each task is found; or why none was submitted."""
        write_json(self._answer, {"handles": handles, "refused": refused})

    def answered(self) -> tuple[list[Mapping[str, Any]] | None, str] | None:
        """What `answer` was told; None before."""
        try:
            data = read_json(self._answer)
        except FileNotFoundError:
            return None
        return data["handles"], data["refused"]

    def delete(self) -> None:
        """Delete the files of a batch that is over; its intent goes last."""
        self._answer.unlink(missing_ok=True)
        self.intent.unlink(missing_ok=True)


def batches_of(folder: RunFolder) -> list[Batch]:
    """The batches of a search that are not over, oldest first; no copies of another search's."""
    intents = [path for path in folder.jobs.glob("nas-*.json") if "." not in path.stem]
    batches = [Batch.of(path) for path in sorted(intents)]
    return [batch for batch in batches if batch.folder.root == folder.root.resolve()]


def check_place(folder: RunFolder, executor: str) -> None:
    """See to it that no two executors have slots at one queue.

    Raises:
        SlotError: another executor may still have slots.
    """
    for batch in batches_of(folder):
        if batch.place != executor:
            raise SlotError(
                f"{folder.root} may still have slots of the executor {batch.place!r}; before "
                f"{executor!r} takes over: nas-hpc stop {folder.root.parent.name} --now"
            )
