"""Everything that a search keeps on disk: records, checkpoints, sessions."""

from nas_hpc.store.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from nas_hpc.store.durable import create_json, read_json, write_json
from nas_hpc.store.ending import Ending
from nas_hpc.store.folder import RunFolder
from nas_hpc.store.hdf5 import DamagedFile
from nas_hpc.store.identity import Identity
from nas_hpc.store.lock import Session, Superseded, check_current, current_session, sessions
from nas_hpc.store.outcome_file import read_outcome, write_outcome
from nas_hpc.store.reader import SearchReader, last_segment, read_search
from nas_hpc.store.records import (
    MODEL_FAILURES,
    Event,
    Outcome,
    Record,
    Sample,
    SearchLog,
    SlotUse,
    Status,
    Update,
)
from nas_hpc.store.room import DiskFull, Room, check_room, done_without
from nas_hpc.store.rows import read_records, write_records
from nas_hpc.store.takeover import claim_session
from nas_hpc.store.writer import Writer

__all__ = [
    "MODEL_FAILURES",
    "Checkpoint",
    "DamagedFile",
    "DiskFull",
    "Ending",
    "Event",
    "Identity",
    "Outcome",
    "Record",
    "Room",
    "RunFolder",
    "Sample",
    "SearchLog",
    "SearchReader",
    "Session",
    "SlotUse",
    "Status",
    "Superseded",
    "Update",
    "Writer",
    "check_current",
    "check_room",
    "claim_session",
    "create_json",
    "current_session",
    "done_without",
    "last_segment",
    "load_checkpoint",
    "read_json",
    "read_outcome",
    "read_records",
    "read_search",
    "save_checkpoint",
    "sessions",
    "write_json",
    "write_outcome",
    "write_records",
]
