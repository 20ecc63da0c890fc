import io
import math
import time

import pytest
from rich.console import Console

from nas_hpc.cluster import spool
from nas_hpc.cluster.executor import TrialSpec
from nas_hpc.cluster.presence import Presence
from nas_hpc.report import status
from nas_hpc.report.live import Watcher
from nas_hpc.report.live import status as status_on
from nas_hpc.store import Event, Identity, RunFolder, Writer, current_session
from nas_hpc.store import reader as store_reader
from tests.report.laboratory import (
    START,
    Course,
    experiment_in,
    make_search,
    outcome,
    place_of,
    record,
    sample,
)

GONE = Identity("lab", "another boot", 1, 1, "me")


def spec(trial: int) -> TrialSpec:
    return TrialSpec(trial, "key", {"depth": 1}, ())


def test_nothing_has_begun(tmp_path, capsys):
    status(experiment_in(tmp_path), watch=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lab, REINFORCE: 0 of 30 trials, not started")
    assert lines[1].startswith("lab, random search: 0 of 30 trials, not started")


def test_every_number(tmp_path):
    """Two trials ok, one failed, one claimed, one waiting; a claim of the ended ones is left."""
    experiment = experiment_in(tmp_path)
    records = [
        Event("started", "process 1 on lab", START),
        *(sample(n) for n in range(5)),
        sample(5, trial=0),
        outcome(0, 0.4, ended=START + 60),
        outcome(1, 0.7, ended=START + 90),
        outcome(2, 0.0, status="diverged", ended=START + 100),
    ]
    folder = record(experiment, "reinforce", records)
    spool.enqueue(folder, spec(1))
    spool.enqueue(folder, spec(3))
    assert spool.claim(folder, "slot-0") and spool.claim(folder, "slot-0")
    spool.enqueue(folder, spec(4))
    Presence("slot-0", Identity.mine(), None, "ready").announce(folder)
    Presence("slot-1", GONE, None, "ready").announce(folder)

    seen = Watcher(experiment, "reinforce").look(START + 120)

    assert (seen.done, seen.budget, seen.running, seen.queued, seen.failed) == (3, 30, 1, 1, 1)
    assert (seen.best, seen.samples, seen.duplicates, seen.slots) == (0.7, 6, 1, 1)
    # Three answers in the two minutes since the start.
    assert seen.forecast.rate == pytest.approx(3 / 2)
    assert seen.forecast.seconds == pytest.approx(27 / 1.5 * 60)
    assert (seen.state, seen.over) == ("searching", False)  # this process holds the session
    later = Watcher(experiment, "reinforce").look(START + 95 + 300)
    assert later.forecast.rate == pytest.approx(1 / 5)  # of the last five minutes
    text = seen.details()
    assert "1 running, 1 queued, 1 failed, duplicates 1 (17%), best 0.7000" in text
    assert "1.5 a minute, time left 18.0 min" in text
    # 60, 80 and 80 s on one device each, and 27 trials of their mean cost to come.
    assert "device-hours 0.0611, slots busy" in text
    assert "about 0.611 device-hours in the end" in text


def test_the_rate_starts_anew_with_each_session(tmp_path):
    experiment = experiment_in(tmp_path)
    records = [
        Event("started", "", START),
        *(sample(n) for n in range(2)),
        outcome(0, ended=START + 10),
        Event("resumed", "", START + 100),
        outcome(1, ended=START + 110),
    ]
    record(experiment, "reinforce", records)
    assert Watcher(experiment, "reinforce").look(START + 130).forecast.rate == pytest.approx(
        60 / 30
    )


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    experiment = experiment_in(tmp_path)
    folder = record(experiment, "reinforce", [sample(0), sample(1)])
    watcher = Watcher(experiment, "reinforce")
    assert watcher.look(START).done == 0
    opened = []
    read = store_reader.read_segment
    monkeypatch.setattr(store_reader, "read_segment", lambda p: opened.append(p) or read(p))
    Writer(folder, current_session(folder)).commit([outcome(0)])
    assert watcher.look(START).done == 1
    assert len(opened) == 1


def test_a_search_whose_writer_is_gone(tmp_path, monkeypatch):
    experiment = experiment_in(tmp_path)
    record(experiment, "reinforce", [sample(0)])
    monkeypatch.setattr(Identity, "alive", lambda self: False)
    assert Watcher(experiment, "reinforce").look(START).state == "interrupted"
    monkeypatch.setattr(Identity, "here", lambda self: False)
    assert "process" in Watcher(experiment, "reinforce").look(START).state


def test_given_up_trials_count_as_failed(tmp_path):
    experiment = experiment_in(tmp_path)
    lost = outcome(0, math.nan, status="lost")
    record(experiment, "reinforce", [sample(0), lost])
    seen = Watcher(experiment, "reinforce").look(START)
    assert (seen.done, seen.failed, seen.forecast.seconds) == (0, 1, None)
    assert "device-hours 0.00278 (0.00278 wasted by failures)" in seen.details()
    assert "time left unknown" in seen.details() and "in the end" not in seen.details()


def test_what_device_hours_are_left(tmp_path):
    """Two answers of 40 s on 2 GPUs and 40 s lost on one: half of 400 device-seconds."""
    experiment = experiment_in(tmp_path, budget={"trials": 30, "device_hours": 400 / 3600})
    records = [
        Event("started", "", START),
        *(sample(n) for n in range(3)),
        outcome(0, started=START, ended=START + 40, devices=2.0),
        outcome(1, started=START, ended=START + 40, devices=2.0),
        outcome(2, math.nan, status="lost", started=START, ended=START + 40),
    ]
    record(experiment, "reinforce", records)
    seen = Watcher(experiment, "reinforce").look(START + 60)
    assert (seen.used, seen.wasted, seen.limit) == (200, 40, 400)
    assert seen.forecast.trials == 4  # 100 device-seconds an answer, 200 left
    assert seen.forecast.seconds == pytest.approx(60)  # at two a minute
    assert seen.forecast.device_seconds == pytest.approx(400)
    cost = "device-hours 0.0556 (0.0556 of 0.111 allowed in attempts, 0.0111 wasted by failures)"
    assert cost in seen.details()


@pytest.mark.parametrize("terminal", [True, False])
def test_watching_ends_with_the_search(tmp_path, terminal, monkeypatch):
    experiment = experiment_in(tmp_path, compare_with=(), budget={"trials": 3})
    folder = make_search(experiment, "reinforce", Course(3, ends=""))

    def finish(_: float) -> None:
        Writer(folder, current_session(folder)).commit([Event("ended", "budget spent", START)])

    monkeypatch.setattr(time, "sleep", finish)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=120)
    status_on(experiment, watch=True, console=console)
    assert "searching" in screen.getvalue() and "budget spent" in screen.getvalue()
    assert "3 of 3" in screen.getvalue()


def test_watching_can_be_interrupted(tmp_path, monkeypatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    status(experiment_in(tmp_path), watch=True)


def test_a_folder_that_is_just_being_made(tmp_path):
    experiment = experiment_in(tmp_path)
    RunFolder(place_of(experiment) / "reinforce").root.mkdir(parents=True)
    assert Watcher(experiment, "reinforce").look(START).state == "not started"
