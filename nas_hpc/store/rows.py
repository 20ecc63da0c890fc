"""Records as rows of the tables of a segment, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from nas_hpc.store.records import Event, Outcome, Record, Sample, SearchLog, SlotUse, Update
from nas_hpc.store.segments import (
    LISTS,
    TABLES,
    TEXTS,
    Arrays,
    read_segment,
    set_starts,
    table_type,
    types,
    write_segment,
)

RECORDS: dict[str, type] = {
    "samples": Sample,
    "outcomes": Outcome,
    "updates": Update,
    "events": Event,
    "slots": SlotUse,
}
JSON = {"arguments", "metrics"}


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write records durably as one HDF5 file of their own; `segments` tells its layout."""
    write_segment(path, encode(records, segment=0), first=0, last=0, epoch=0)


def read_records(path: Path) -> SearchLog:
    """The records of one HDF5 file: ``search.h5``, a segment, or an outcome file.

    Raises:
        FileNotFoundError: it is not there.
        DamagedFile: it cannot be read.
    """
    return decode(read_segment(path))


def encode(records: Sequence[Record], segment: int) -> Arrays:
    """Records as the datasets of the segment with this sequence number.

    Raises:
        OverflowError: a token is not in [0, 65535], or another number does not fit its column.
        TypeError: arguments or metrics are not JSON, or an object is not a record.
    """
    types_of_records = tuple(RECORDS.values())
    strange = [record for record in records if type(record) not in types_of_records]
    if strange:
        raise TypeError(f"not a record: {strange[0]!r}")
    expected = types()
    known: dict[str, int] = {}
    arrays = {}
    for table, kind in RECORDS.items():
        members = [record for record in records if type(record) is kind]
        rows = [tuple(_number(r, table, name, segment) for name in TABLES[table]) for r in members]
        arrays[f"{table}/table"] = np.array(rows, table_type(table))
        for name in TEXTS[table]:
            values = [getattr(record, name) for record in members]
            texts = [json.dumps(v, sort_keys=True) for v in values] if name in JSON else values
            arrays[f"{table}/{name}"] = np.array(texts, dtype=object)
        if table in LISTS:
            prefix, lists = LISTS[table]
            for name in lists:
                flat = [_entry(v, name, known) for r in members for v in _list(r, table, name)]
                arrays[f"{table}/{name}"] = np.array(flat, expected[f"{table}/{name}"])
            set_starts(arrays[f"{table}/table"], prefix)
    arrays["paths"] = np.array(list(known), dtype=object)
    return arrays


def decode(arrays: Arrays) -> SearchLog:
    """The records of a segment's datasets."""
    return SearchLog(**{table: tuple(_decode(arrays, table)) for table in RECORDS})


def _number(record: Any, table: str, name: str, segment: int) -> Any:
    if name == "segment":
        return segment
    if name.endswith("_start"):
        return 0  # set once all rows are there
    if name.endswith("_count"):
        return len(getattr(record, LISTS[table][0]))
    return getattr(record, name)


def _list(record: Any, table: str, name: str) -> Sequence[Any]:
    values: Sequence[Any] = record.tokens if table == "samples" else getattr(record, name)
    return values


def _entry(value: Any, name: str, known: dict[str, int]) -> Any:
    if name == "tokens":
        return value[1]
    return known.setdefault(value[0], len(known)) if name == "paths" else value


def _decode(arrays: Arrays, table: str) -> list[Any]:
    kind, rows = RECORDS[table], arrays[f"{table}/table"]
    names = {field.name for field in fields(kind)}
    columns = {name: rows[name].tolist() for name in TABLES[table] if name in names}
    for name in TEXTS[table]:
        texts = arrays[f"{table}/{name}"].tolist()
        columns[name] = [json.loads(text) for text in texts] if name in JSON else texts
    if table in LISTS:
        prefix, lists = LISTS[table]
        starts, counts = rows[f"{prefix}_start"].tolist(), rows[f"{prefix}_count"].tolist()
        for name in names & set(lists):
            flat = _pairs(arrays) if name == "tokens" else arrays[f"{table}/{name}"].tolist()
            columns[name] = [
                tuple(flat[start : start + count])
                for start, count in zip(starts, counts, strict=True)
            ]
    return [
        kind(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)
    ]


def _pairs(arrays: Arrays) -> list[tuple[str, int]]:
    """The (path, token) pairs of all samples; equal ones are one object, millions fit in memory."""
    tokens, paths = arrays["samples/tokens"], arrays["samples/paths"]
    codes, which = np.unique(paths.astype("<u8") << 16 | tokens, return_inverse=True)
    distinct = np.empty(len(codes), dtype=object)
    names = arrays["paths"].tolist()
    distinct[:] = [(names[code >> 16], code & 0xFFFF) for code in codes.tolist()]
    pairs: list[tuple[str, int]] = distinct[which].tolist()
    return pairs
