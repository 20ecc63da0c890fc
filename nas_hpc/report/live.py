"""How far each strategy of an experiment has come, once or again and again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from nas_hpc.cluster import spool
from nas_hpc.experiment import Experiment
from nas_hpc.report.arms import Arm, as_run_by, strategies, title
from nas_hpc.report.forecast import Forecast
from nas_hpc.report.processes import Processes
from nas_hpc.report.words import device_hours, duration, number
from nas_hpc.store import RunFolder, SearchLog, SearchReader

REFRESH, REPEAT = 2.0, 10.0
"""Seconds between two looks on a terminal, and between two lines elsewhere."""


@dataclass(frozen=True)
class Reading:
    """One look at one strategy.

    Attributes:
        title: of the strategy.
        done, budget: trials with a reward, and asked for.
        running, queued, failed: trials; the failed ones are among the done or were given up.
        best: highest reward; None before one.
        forecast: when it will end, and at what cost; None before it has begun.
        used: device-seconds, of whole slots where their lives are recorded.
        attempts, wasted: of these, of attempts, and of those without an answer.
        limit: of the attempts' device-seconds; None: there is none.
        utilisation: share of the slots' time in which children trained; None before any.
        samples, duplicates: numbers of samples.
        slots: that live; None if Slurm does not tell.
        state: ``not started``, ``searching``, why it ended, ...
        over: nothing is left to do.
    """

    title: str
    done: int
    budget: int
    running: int = 0
    queued: int = 0
    failed: int = 0
    best: float | None = None
    forecast: Forecast | None = None
    used: float = 0.0
    attempts: float = 0.0
    wasted: float = 0.0
    limit: float | None = None
    utilisation: float | None = None
    samples: int = 0
    duplicates: int = 0
    slots: int | None = 0
    state: str = "not started"
    over: bool = False

    def details(self) -> str:
        """All but the number of trials."""
        share = f" ({self.duplicates / self.samples:.0%})" if self.samples else ""
        parts = [
            self.state,
            f"{self.running} running",
            f"{self.queued} queued",
            f"{self.failed} failed",
            f"duplicates {self.duplicates}{share}",
            f"best {number(self.best)}",
            f"slots alive {'unknown' if self.slots is None else self.slots}",
            f"device-hours {self._cost()}",
        ]
        if self.utilisation is not None:
            parts.append(f"slots busy {self.utilisation:.0%} of their time")
        if self.forecast and not self.over:
            left, cost = self.forecast.seconds, self.forecast.device_seconds
            parts.append(f"{self.forecast.rate:.1f} a minute")
            parts.append(f"time left {'unknown' if left is None else duration(left)}")
            if cost is not None:
                parts.append(f"about {device_hours(cost)} device-hours in the end")
        return ", ".join(parts)

    def _cost(self) -> str:
        parts = []
        if self.limit is not None:
            spent, limit = device_hours(self.attempts), device_hours(self.limit)
            parts.append(f"{spent} of {limit} allowed in attempts")
        if self.wasted:
            parts.append(f"{device_hours(self.wasted)} wasted by failures")
        return device_hours(self.used) + (f" ({', '.join(parts)})" if parts else "")


class Watcher:
    """Looks at one strategy; reads only what is new since its last look."""

    def __init__(self, experiment: Experiment, strategy: str) -> None:
        self._experiment = as_run_by(experiment, strategy)
        self._folder = RunFolder.of(self._experiment)
        self._reader = SearchReader(self._folder)
        self._processes = Processes(self._folder)

    def look(self, now: float) -> Reading:
        """The strategy at a time given in seconds since 1970."""
        strategy, asked = self._experiment.search.strategy, self._experiment.budget
        budget, hours = asked.trials, asked.device_hours
        folder = self._folder
        if not folder.logs.exists():  # the last of its places to be made
            return Reading(title(strategy), done=0, budget=budget)
        # Listed before the store is read: what ends in between counts as done, not as running.
        queued = set(spool.queued(folder))
        claimed = {claim.trial for claim in spool.claims(folder)}
        ended = spool.outcomes(folder)  # and not recorded yet
        log = self._reader.read()
        arm = Arm(strategy, as_run_by(self._experiment, strategy), log)
        done = {outcome.trial for outcome in log.outcomes if outcome.answers}
        ledger = arm.ledger
        return Reading(
            title=arm.title,
            done=len(done),
            budget=budget,
            running=len(claimed - ended - done),
            queued=len(queued - claimed - done),
            failed=_failed(log),
            best=max((o.reward for o in log.outcomes if o.status == "ok"), default=None),
            forecast=Forecast.of(arm, now),
            used=ledger.used,
            attempts=ledger.attempts,
            wasted=sum(ledger.wasted.values()),
            limit=None if hours is None else 3600 * hours,
            utilisation=arm.utilisation if ledger.utilisation is None else ledger.utilisation,
            samples=len(log.samples),
            duplicates=arm.duplicates,
            slots=self._processes.slots(now),
            state=arm.reason if arm.done else self._processes.state(now, arm.reason),
            over=arm.done,
        )


def status(experiment: Experiment, watch: bool, console: Console | None = None) -> None:
    """See `nas_hpc.report.status`."""
    console = console or Console(highlight=False)
    watchers = [Watcher(experiment, strategy) for strategy in strategies(experiment)]
    try:
        if watch and console.is_terminal:
            _bars(console, experiment.name, watchers)
        else:
            _lines(console, experiment.name, watchers, watch)
    except KeyboardInterrupt:
        return


def _lines(console: Console, name: str, watchers: list[Watcher], watch: bool) -> None:
    while True:
        readings = [watcher.look(time.time()) for watcher in watchers]
        for r in readings:
            line = f"{name}, {r.title}: {r.done} of {r.budget} trials, {r.details()}"
            console.print(escape(line), soft_wrap=True)
        if not watch or all(reading.over for reading in readings):
            return
        time.sleep(REPEAT)


def _bars(console: Console, name: str, watchers: list[Watcher]) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            readings = [watcher.look(time.time()) for watcher in watchers]
            live.update(_panel(name, readings), refresh=True)
            if all(reading.over for reading in readings):
                return
            time.sleep(REFRESH)


def _panel(name: str, readings: list[Reading]) -> RenderableType:
    parts: list[RenderableType] = [f"[bold]{escape(name)}[/]"]
    for reading in readings:
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=reading.budget, completed=reading.done, width=40)
        row.add_row(escape(f"{reading.title:15}"), bar, f"{reading.done} of {reading.budget}")
        parts += [row, f"[dim]  {escape(reading.details())}[/]"]
    return Group(*parts)


def _failed(log: SearchLog) -> int:
    """Trials whose last attempt failed."""
    last = {outcome.trial: outcome.status for outcome in log.outcomes}
    return sum(status != "ok" for status in last.values())
