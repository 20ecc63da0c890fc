"""The layout: what goes in comes out, and the documentation suffices to read it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nas_hpc.store.segments as segments
from nas_hpc.store import (
    DamagedFile,
    Event,
    Outcome,
    Sample,
    SearchLog,
    SlotUse,
    Update,
    read_outcome,
    read_records,
    write_outcome,
    write_records,
)
from nas_hpc.store.rows import decode, encode
from nas_hpc.store.segments import after, concatenate
from tests.store.examples import event, outcome, sample, slot_use, update

natural = st.integers(0, 2**63 - 1)
number = st.floats(allow_nan=False)
text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | number | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
tokens = st.lists(st.tuples(text, st.integers(0, 2**16 - 1)), max_size=8).map(tuple)
records = st.lists(
    st.builds(
        Sample,
        *[natural] * 6,
        st.dictionaries(text, json_value, max_size=3),
        tokens,
        number,
        number,
        text,
        text,
        number,
    )
    | st.builds(
        Outcome,
        natural,
        st.sampled_from(["ok", "diverged", "out of memory", "killed", "lost"]),
        number,
        text,
        natural,
        st.integers(0, 2**64 - 1),
        number,
        number,
        number,
        text,
        number,
        text,
        text,
        text,
        st.dictionaries(text, json_value, max_size=3),
    )
    | st.lists(st.tuples(natural, number, number), max_size=5).flatmap(
        lambda rows: st.builds(
            Update,
            natural,
            natural,
            natural,
            st.just(tuple(row[0] for row in rows)),
            st.just(tuple(row[1] for row in rows)),
            st.just(tuple(row[2] for row in rows)),
            number,
            number,
            number,
        )
    )
    | st.builds(Event, text, text, number)
    | st.builds(SlotUse, text, text, text, number, number, number, number, text),
    max_size=12,
)


def as_log(recorded: list) -> SearchLog:
    kinds = (Sample, Outcome, Update, Event, SlotUse)
    return SearchLog(*(tuple(r for r in recorded if type(r) is kind) for kind in kinds))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(recorded=records)
def test_records_survive_the_file(recorded: list, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("records") / "file.h5"
    write_records(path, recorded)
    assert read_records(path) == as_log(recorded)
    assert [file.name for file in path.parent.iterdir()] == ["file.h5"]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(groups=st.lists(records, max_size=4), known=st.integers(0, 4))
def test_segments_concatenate_and_divide_again(groups: list[list], known: int) -> None:
    parts = [encode(group, segment=i + 1) for i, group in enumerate(groups)]
    merged = concatenate(parts)
    assert decode(merged) == as_log([record for group in groups for record in group])
    rest = [record for group in groups[known:] for record in group]
    assert decode(after(merged, known)) == as_log(rest)


def test_not_a_number_survives(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    lost = Outcome(3, "lost", math.nan, metrics={"loss": [1.0, math.nan]})
    first = replace(update(1), baseline=math.nan, deviation=math.nan)
    unborn = replace(slot_use(1), host="", started=math.nan)
    write_records(path, [lost, first, unborn])
    log = read_records(path)
    assert math.isnan(log.outcomes[0].reward)
    assert math.isnan(log.outcomes[0].metrics["loss"][1])
    assert math.isnan(log.updates[0].baseline)
    assert math.isnan(log.updates[0].deviation)
    assert math.isnan(log.slots[0].started)


def test_text_that_hdf5_cannot_hold_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_outcome(path, replace(outcome(1), reason="a\0b\ud800c", metrics={"\0": "\ud800"}))
    assert read_outcome(path).reason == "a\\x00b\\ud800c"
    assert read_outcome(path).metrics == {"\0": "\ud800"}


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (replace(sample(3), tokens=(("a", 65536),)), OverflowError),
        (replace(sample(3), tokens=(("a", -1),)), OverflowError),
        (replace(outcome(3), metrics={"accuracy": np.float32(0.5)}), TypeError),
        ("text", TypeError),
    ],
)
def test_what_cannot_be_stored_is_refused(record: object, error: type, tmp_path: Path) -> None:
    with pytest.raises(error):
        write_records(tmp_path / "file.h5", [record])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


def test_documented_layout_suffices(tmp_path: Path) -> None:
    """Read with h5py and numpy alone, by the table in the docstring of segments.py."""
    path = tmp_path / "file.h5"
    samples, updates = [sample(i) for i in range(400)], [update(i) for i in range(1, 9)]
    write_records(path, [*samples, *updates, outcome(0), event(0), slot_use(3)])
    with h5py.File(path) as file:
        assert file.attrs["schema"] == 2
        paths, rows = file["paths"].asstr()[()], file["samples/table"][()]
        flat_tokens, flat_paths = file["samples/tokens"][()], file["samples/paths"][()]
        assert flat_tokens.dtype == np.uint16
        for row, known in zip(rows, samples, strict=True):
            cut = slice(row["tokens_start"], row["tokens_start"] + row["tokens_count"])
            assert tuple(zip(paths[flat_paths[cut]], flat_tokens[cut], strict=True)) == known.tokens
            for name in ("number", "trial", "batch", "replica", "version", "session"):
                assert row[name] == getattr(known, name)
            for name in ("log_probability", "entropy", "time"):
                assert row[name] == getattr(known, name)
        assert file["samples/key"].asstr()[5] == samples[5].key
        assert file["samples/architecture"].asstr()[5] == samples[5].architecture
        assert json.loads(file["samples/arguments"].asstr()[5]) == samples[5].arguments
        rows = file["updates/table"][()]
        for row, known in zip(rows, updates, strict=True):
            cut = slice(row["samples_start"], row["samples_start"] + row["samples_count"])
            assert row["ticket"] == known.ticket
            assert tuple(file["updates/samples"][cut]) == known.samples
            assert tuple(file["updates/rewards"][cut]) == known.rewards
            assert tuple(file["updates/advantages"][cut]) == known.advantages
        row = file["outcomes/table"][0]
        assert row["seed"] == outcome(0).seed
        assert row["seconds"] == 2.5
        assert row["devices"] == 0.5
        assert file["outcomes/status"].asstr()[0] == "ok"
        assert json.loads(file["outcomes/metrics"].asstr()[0]) == outcome(0).metrics
        assert file["events/kind"].asstr()[0] == "resumed"
        row = file["slots/table"][0]
        assert [row[name] for name in ("devices", "submitted", "started", "ended")] == [
            0.5,
            1.0,
            2.5,
            9.0,
        ]
        assert file["slots/job"].asstr()[0] == "12_3"
        assert file["slots/state"].asstr()[0] == "PREEMPTED"


def test_every_dataset_says_what_it_means_and_is_documented(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_records(path, [sample(5), outcome(0), update(2), event(0), slot_use(0)])
    documentation = str(segments.__doc__)
    found: list[str] = []

    def look(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        found.append(name)
        meaning = item.attrs["meaning"]
        if item.dtype.names:
            columns = [line.partition(": ")[0] for line in meaning]
            assert columns == list(item.dtype.names)
        else:
            assert len(meaning) > 5
        table, _, column = name.rpartition("/")
        assert re.search(rf"^{name} ", documentation, re.M) or (
            re.search(rf"^{table}/\.\.\.", documentation, re.M) and column in documentation
        )

    with h5py.File(path) as file:
        file.visititems(look)
    assert set(found) == set(segments.types())


def test_large_arrays_are_compressed(tmp_path: Path) -> None:
    many = replace(sample(0), tokens=tuple((f"layer {i % 40}", i % 4) for i in range(20_000)))
    write_records(tmp_path / "file.h5", [many])
    assert (tmp_path / "file.h5").stat().st_size < 20_000 * (2 + 4) / 4


def test_outcome_file_holds_one_outcome(tmp_path: Path) -> None:
    path = tmp_path / "000000007.h5"
    write_outcome(path, outcome(7))
    assert read_outcome(path) == outcome(7)
    write_records(path, [outcome(7), outcome(8)])
    with pytest.raises(DamagedFile, match=r"000000007\.h5.*2 outcomes"):
        read_outcome(path)


def test_missing_outcome_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_outcome(tmp_path / "none.h5")


@settings(deadline=None, max_examples=40)
@given(part=st.floats(0, 1, exclude_max=True))
def test_cut_off_file_is_damaged(part: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "000000007.h5"
    write_outcome(path, outcome(7))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(DamagedFile, match=re.escape(str(path))):
        read_outcome(path)


def test_any_changed_value_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    for name, value in {
        "samples/table": np.array([tuple(range(12))], segments.table_type("samples"))[0],
        "samples/architecture": "{}",
        "updates/rewards": 0.25,
        "outcomes/status": "lost",
    }.items():
        write_records(path, [sample(5), outcome(1), update(2)])
        with h5py.File(path, "r+") as file:
            file[name][0] = value
        with pytest.raises(DamagedFile, match=r"file\.h5.*checksum"):
            read_records(path)


def test_parts_that_do_not_fit_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_records(path, [sample(5), sample(6)])
    with h5py.File(path, "r+") as file:
        del file["samples/key"]
    with pytest.raises(DamagedFile, match="key"):
        read_records(path)
    write_records(path, [sample(5), sample(6)])
    with h5py.File(path, "r+") as file:
        del file["samples/tokens"]
        file["samples/tokens"] = np.zeros(3, "<u2")
    with pytest.raises(DamagedFile, match="checksum"):
        read_records(path)
    write_records(path, [sample(5), sample(6)])
    with h5py.File(path, "r+") as file:
        file.attrs["schema"] = 99
    with pytest.raises(DamagedFile, match="version 99"):
        read_records(path)
