"""The layout of ``search.h5``, of segments and of outcome files. Plain HDF5, readable with h5py.

All three have one layout; an outcome file holds a single outcome. A group is there if it has rows.

==================  ==========  =====================================================
dataset             type        meaning
==================  ==========  =====================================================
samples/table       compound    one row for each sample, see `TABLES`
samples/tokens      uint16      tokens of all samples, one after another; those of a
                                row are ``tokens[tokens_start:][:tokens_count]``
samples/paths       uint32      for each token its path, as an index into ``/paths``
samples/...         text        arguments (JSON), key, architecture (JSON); by row
paths               text        the distinct paths of decisions
outcomes/table      compound    one row for each outcome
outcomes/...        text        status, reason, slot, host, device, versions,
                                metrics (JSON); by row
updates/table       compound    one row for each update
updates/samples     int64       numbers of the samples of all updates; those of a row
                                are ``samples[samples_start:][:samples_count]``
updates/rewards     float64     one for each of ``updates/samples``
updates/advantages  float64     one for each of ``updates/samples``
events/table        compound    one row for each event
events/...          text        kind, text; by row
slots/table         compound    one row for each life of a slot that has ended
slots/...           text        slot, job, host, state; by row
==================  ==========  =====================================================

Text is UTF-8 of variable length. Numbers are little-endian. JSON is Python's, so it may hold NaN.
Every dataset has an attribute ``meaning`` with units: one line, or for a table one for each column.
Attributes of the file: ``schema`` (version of this layout), ``first_segment`` and ``last_segment``
(the sequence numbers that it covers), ``epoch`` (session that wrote it), ``sha256`` (checksum of
all datasets, see `checksum`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from nas_hpc.store.hdf5 import checksum, get, put, reading, write_hdf5

SCHEMA = 2

Arrays = dict[str, np.ndarray]
"""All datasets of the layout by name, those without rows empty; text is an object array."""

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "samples": {
        "segment": ("<i8", "sequence number of the segment that recorded it"),
        "number": ("<i8", "from 0, in the order in which samples were numbered"),
        "trial": ("<i8", "number of the first sample with the same key"),
        "batch": ("<i8", "group of samples asked for together, from 0"),
        "replica": ("<i8", "controller replica that sampled it, from 0"),
        "version": ("<i8", "updates applied to the parameters under which it was sampled"),
        "session": ("<i8", "epoch of the session under which it was sampled"),
        "log_probability": ("<f8", "of the tokens under the policy, nats"),
        "entropy": ("<f8", "of the policy along the sample, nats"),
        "time": ("<f8", "seconds since 1970"),
        "tokens_start": ("<i8", "index of its first token in samples/tokens and samples/paths"),
        "tokens_count": ("<i8", "number of its tokens"),
    },
    "outcomes": {
        "segment": ("<i8", "sequence number of the segment that recorded it"),
        "trial": ("<i8", "number of the trial"),
        "reward": ("<f8", "what the strategy learns from; NaN where there is no answer"),
        "attempt": ("<i8", "number of the start of the trial, from 1"),
        "seed": ("<u8", "of the child's random numbers"),
        "started": ("<f8", "start of the attempt, seconds since 1970"),
        "ended": ("<f8", "end of the attempt, seconds since 1970"),
        "seconds": ("<f8", "of training and scoring, seconds"),
        "devices": ("<f8", "GPUs that it occupied, or slots where there are none"),
    },
    "updates": {
        "segment": ("<i8", "sequence number of the segment that recorded it"),
        "ticket": ("<i8", "place in the order in which gradients are applied, from 1"),
        "replica": ("<i8", "controller replica that computes the gradient, from 0"),
        "session": ("<i8", "epoch of the session that issued it"),
        "baseline": ("<f8", "moving average of rewards before the update; NaN before the first"),
        "deviation": ("<f8", "moving average of |reward - baseline| before the update"),
        "time": ("<f8", "seconds since 1970"),
        "samples_start": ("<i8", "index of its first sample in updates/samples and its like"),
        "samples_count": ("<i8", "number of its samples"),
    },
    "events": {
        "segment": ("<i8", "sequence number of the segment that recorded it"),
        "time": ("<f8", "seconds since 1970"),
    },
    "slots": {
        "segment": ("<i8", "sequence number of the segment that recorded it"),
        "devices": ("<f8", "GPUs that it occupied, or slots where there are none"),
        "submitted": ("<f8", "when it was asked for, seconds since 1970"),
        "started": ("<f8", "seconds since 1970; NaN if it never started"),
        "ended": ("<f8", "seconds since 1970"),
    },
}
"""For each table its columns: type, and meaning with unit."""

TEXTS: dict[str, dict[str, str]] = {
    "samples": {
        "arguments": "what the space's generator was called with, JSON",
        "key": "SHA-256 of the architecture and of what determines its training",
        "architecture": "the decoded architecture, JSON",
    },
    "outcomes": {
        "status": "ok, diverged, out of memory, killed or lost",
        "reason": "why it is not ok, one line",
        "slot": "where it ran",
        "host": "machine",
        "device": "processor that trained it",
        "versions": "of code, Python and torch",
        "metrics": "numbers and lists of numbers by name, JSON",
    },
    "updates": {},
    "events": {"kind": "such as started, resumed, ended", "text": "what happened"},
    "slots": {
        "slot": "its name",
        "job": "Slurm's number of its task; empty for a process of the search's machine",
        "host": "machine; empty if it never started",
        "state": "how it ended, in Slurm's words where Slurm knows",
    },
}
"""For each table its columns of text, each a dataset of its own."""

LISTS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "samples": (
        "tokens",
        {
            "tokens": ("<u2", "the integer chosen at each decision"),
            "paths": ("<u4", "index of the decision's path in /paths"),
        },
    ),
    "updates": (
        "samples",
        {
            "samples": ("<i8", "number of the sample"),
            "rewards": ("<f8", "reward of the sample"),
            "advantages": ("<f8", "what multiplies its gradient, before the mean"),
        },
    ),
}
"""For tables whose rows own lists: the prefix of ``_start`` and ``_count``, and the flat lists."""


def table_type(table: str) -> np.dtype:
    """The compound type of a table's rows."""
    return np.dtype([(name, kind) for name, (kind, _) in TABLES[table].items()])


def types() -> dict[str, np.dtype]:
    """The type of every dataset of the layout, by its name."""
    found = {"paths": np.dtype(object)}
    for table in TABLES:
        found[f"{table}/table"] = table_type(table)
        found |= {f"{table}/{name}": np.dtype(object) for name in TEXTS[table]}
        if table in LISTS:
            flat = LISTS[table][1].items()
            found |= {f"{table}/{name}": np.dtype(kind) for name, (kind, _) in flat}
    return found


def write_segment(
    path: Path,
    arrays: Arrays,
    *,
    first: int,
    last: int,
    epoch: int,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write a file of this layout durably, and verify it before it gets its name.

    Args:
        path: the final name.
        arrays: all datasets.
        first, last: sequence numbers that the file covers.
        epoch: of the session that writes.
        check: called right before the rename; what it raises leaves nothing behind.

    Raises:
        OSError: the disk is full, say.
        DamagedFile: what was read back is not what was written.
    """

    def fill(file: h5py.File) -> None:
        numbers = {"schema": SCHEMA, "first_segment": first, "last_segment": last, "epoch": epoch}
        for name, number in numbers.items():
            file.attrs[name] = number
        file.attrs["sha256"] = _checksum(arrays)
        if len(arrays["paths"]):
            put(file, "paths", arrays["paths"]).attrs["meaning"] = "distinct paths of decisions"
        for table, columns in TABLES.items():
            if len(arrays[f"{table}/table"]) == 0:
                continue
            group = file.create_group(table)
            rows = put(group, "table", arrays[f"{table}/table"])
            rows.attrs["meaning"] = [f"{name}: {meaning}" for name, (_, meaning) in columns.items()]
            others = dict(TEXTS[table])
            if table in LISTS:
                others |= {name: meaning for name, (_, meaning) in LISTS[table][1].items()}
            for name, meaning in others.items():
                put(group, name, arrays[f"{table}/{name}"]).attrs["meaning"] = meaning

    write_hdf5(path, fill, read_segment, check)


def read_segment(path: Path) -> Arrays:
    """All datasets of a file of this layout.

    Raises:
        FileNotFoundError: it is not there.
        DamagedFile: it has another layout, or a part of it is missing or unreadable.
    """
    with reading(path) as file:
        if file.attrs["schema"] != SCHEMA:
            raise ValueError(f"its layout has version {file.attrs['schema']}, not {SCHEMA}")
        arrays = {}
        for name, dtype in types().items():
            there = name in file if name == "paths" else name.partition("/")[0] in file
            arrays[name] = get(file, name, dtype) if there else np.empty(0, dtype)
        if file.attrs["sha256"] != _checksum(arrays):
            raise ValueError("its contents do not fit their checksum")
        return arrays


def concatenate(parts: Sequence[Arrays]) -> Arrays:
    """The rows of all parts, one after another, with starts and paths indexed anew."""
    known: dict[str, int] = {}
    flat_paths = []
    for part in parts:
        index = [known.setdefault(path, len(known)) for path in part["paths"]]
        flat_paths.append(np.array(index, "<u4")[part["samples/paths"]])
    arrays = {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)])
        for name, dtype in types().items()
    }
    arrays["paths"] = np.array(list(known), dtype=object)
    arrays["samples/paths"] = np.concatenate([np.empty(0, "<u4"), *flat_paths])
    for table, (prefix, _) in LISTS.items():
        set_starts(arrays[f"{table}/table"], prefix)
    return arrays


def after(arrays: Arrays, segment: int) -> Arrays:
    """Only the rows that segments after the given one recorded."""
    kept = dict(arrays)
    for table in TABLES:
        rows = arrays[f"{table}/table"]
        row = int(np.searchsorted(rows["segment"], segment, side="right"))
        for name in ("table", *TEXTS[table]):
            kept[f"{table}/{name}"] = arrays[f"{table}/{name}"][row:]
        if table in LISTS:
            prefix, lists = LISTS[table]
            start = int(rows[f"{prefix}_count"][:row].sum())
            for name in lists:
                kept[f"{table}/{name}"] = arrays[f"{table}/{name}"][start:]
    return concatenate([kept])


def set_starts(rows: np.ndarray, prefix: str) -> None:
    """Let each row's list begin where that of the row before it ends."""
    rows[f"{prefix}_start"] = np.cumsum(rows[f"{prefix}_count"]) - rows[f"{prefix}_count"]


def _checksum(arrays: Arrays) -> str:
    return checksum(*(arrays[name] for name in types()))
