"""``summary.md``: the numbers of an experiment for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tabulate import tabulate

from nas_hpc.report.arms import title
from nas_hpc.report.measures import form, reward_form
from nas_hpc.report.retraining import Spread

UNKNOWN = "—"


def markdown(facts: Mapping[str, Any]) -> str:
    """The report in words and tables, made of `summary.summary`."""
    parts = [
        f"# {facts['experiment']}",
        facts["title"],
        facts["data"],
        _unfinished(facts["unfinished"]),
        "## Result",
        *_result(facts),
        *(["## Strategies", _strategies(facts["strategies"])] if facts["strategies"] else []),
        *[found["sentence"] for found in facts["comparisons"]],
        _spread(facts["spread_of_rewards"]),
        *(["## Cost", _costs(facts["strategies"])] if facts["strategies"] else []),
        *[found["sentence"] for found in facts["at_equal_cost"]],
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that suits people."""
    if seconds is None:
        return UNKNOWN
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 6000:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def device_hours(seconds: float) -> str:
    """Device-seconds as device-hours, to three digits."""
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


def number(value: float | None, form: str = "") -> str:
    """A number, that of a reward unless the form is given, or a dash where there is none."""
    return UNKNOWN if value is None else format(value, form or reward_form(value))


def spread(found: Mapping[str, Any] | None) -> str:
    """Mean ± standard deviation and how many, of a `Spread` of rewards as JSON data."""
    return str(Spread(**found)) if found else UNKNOWN


def measured(name: str, found: Mapping[str, Any] | Spread | float | None) -> str:
    """Of results by the measure of this name: one, or a `Spread`, also as JSON data."""
    if isinstance(found, Mapping):
        found = Spread(**found)
    if found is None:
        return UNKNOWN
    return format(found, form(name, found.mean if isinstance(found, Spread) else found))


def counts(by_status: Mapping[str, int]) -> str:
    """Such as ``3 diverged, 1 lost``."""
    return ", ".join(f"{n} {status}" for status, n in by_status.items()) or "none"


def _unfinished(missing: list[str]) -> str:
    return f"> **Unfinished.** {' '.join(missing)}" if missing else ""


def _result(facts: Mapping[str, Any]) -> list[str]:
    best, final, name = facts["best"], facts["final_training"], facts["measure"]
    if best is None:
        return ["No network has been trained yet."]
    in_search = best[f"validation_{name}_in_search"]
    rows = [
        (f"Test {name} (mean ± SD over seeds)", measured(name, final[f"test_{name}"])),
        (f"Validation {name} of the same runs", measured(name, final[f"validation_{name}"])),
        ("Reward in the search", number(best["reward_in_search"])),
        ("Reward with new seeds (mean ± SD)", spread(best["reward_with_new_seeds"])),
        (f"Validation {name} in the search", measured(name, in_search)),
        ("Parameters", number(best["parameters"], ",")),
        ("Time of scoring again and of the final training", duration(final["seconds"])),
    ]
    if final["failed"]:
        rows.insert(1, ("Final runs that failed", f"{final['failed']} of {final['runs']}"))
    chosen = "chosen for the final training" if best["chosen"] else "the best so far"
    tokens = ", ".join(f"{path} = {token}" for path, token in best["tokens"])
    return [
        f"Trial {best['trial']}, {chosen}:",
        "\n".join(f"- {line}" for line in best["words"]),
        tabulate(rows, headers=("", "value"), tablefmt="github"),
        f"Tokens: `{tokens}`",
    ]


def _strategies(arms: Mapping[str, Any]) -> str:
    measures = {
        "Why it ended": lambda arm: arm["ended"] or "it has not",
        "Trials": lambda arm: f"{arm['trials']} of {arm['trials_asked_for']}",
        "Failed trials": lambda arm: counts(arm["failures_by_status"]),
        "Attempts repeated": lambda arm: str(arm["attempts_repeated"]),
        "Samples": lambda arm: str(arm["samples"]),
        "Duplicates among them": _duplicates,
        "Best reward": lambda arm: number(arm["best_reward"]),
        "Mean reward, first third": lambda arm: number(arm["mean_reward_first_third"]),
        "Mean reward, last third": lambda arm: number(arm["mean_reward_last_third"]),
        "Policy entropy at start and end, nats": _entropy,
        "Wall time": lambda arm: duration(arm["wall_seconds"]),
        "Slots, and share of their time spent training": _slots,
        "Sessions": lambda arm: str(arm["sessions"]),
        "Versions": lambda arm: "; ".join(arm["versions"]),
        "Hosts": lambda arm: ", ".join(arm["hosts"]),
        "Devices": lambda arm: ", ".join(arm["devices"]),
    }
    return _table(measures, arms)


def _costs(arms: Mapping[str, Any]) -> str:
    costs = {strategy: arm["cost"] for strategy, arm in arms.items()}
    measures = {
        "Device-hours": lambda cost: device_hours(cost["device_seconds"]),
        "of attempts that answered": lambda cost: device_hours(cost["useful"]),
        "of attempts that failed": _wasted,
        "of slots that started, or waited for trials": lambda cost: device_hours(cost["idle"]),
        "Share of the slots' lives spent training": lambda c: number(c["utilisation"], ".0%"),
        "Slots' time in the queue, median (longest)": lambda cost: _waits(cost["slot_waits"]),
        "Trials' time until they started, median (longest)": lambda c: _waits(c["trial_waits"]),
    }
    if any(cost["slurm"] for cost in costs.values()):
        measures["Device-hours as Slurm has accounted them"] = _slurm
    return _table(measures, costs)


def _table(measures: Mapping[str, Callable[[Any], str]], columns: Mapping[str, Any]) -> str:
    """A row for each measure, a column for each strategy."""
    rows = [[name, *map(measure, columns.values())] for name, measure in measures.items()]
    headers = ["", *(title(strategy) for strategy in columns)]
    return str(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


def _wasted(cost: Mapping[str, Any]) -> str:
    by_status = {status: device_hours(spent) for status, spent in cost["wasted"].items()}
    return ", ".join(f"{spent} {status}" for status, spent in by_status.items()) or "none"


def _waits(waits: Mapping[str, Any] | None) -> str:
    return f"{duration(waits['median'])} ({duration(waits['longest'])})" if waits else UNKNOWN


def _slurm(cost: Mapping[str, Any]) -> str:
    found = cost["slurm"]
    if not found:
        return UNKNOWN
    if found["why_not"]:
        return str(found["why_not"])
    hours = device_hours(found["device_seconds"])
    return f"{hours} ({found['tasks']} of {found['tasks_asked_for']} tasks known to it)"


def _duplicates(arm: Mapping[str, Any]) -> str:
    return f"{arm['duplicates']} ({number(arm['duplicate_rate'], '.1%')})"


def _entropy(arm: Mapping[str, Any]) -> str:
    return f"{number(arm['entropy_start_nats'], '.1f')}, {number(arm['entropy_end_nats'], '.1f')}"


def _slots(arm: Mapping[str, Any]) -> str:
    return f"{arm['slots']}, {number(arm['slot_utilisation'], '.0%')}"


def _spread(found: Mapping[str, Any]) -> str:
    architectures, seeds = found["between_architectures"], found["between_seeds_of_one"]
    if not architectures or architectures["sd"] is None:
        return ""
    text = (
        f"Rewards of different architectures spread by SD {number(architectures['sd'])} "
        f"({architectures['n']} trained networks of the search)"
    )
    if seeds is None:
        return f"{text}; how much seeds alone spread them is not known yet."
    return (
        f"{text}, those of one architecture under different seeds by SD {number(seeds['sd'])} "
        f"(pooled over {seeds['architectures']} architectures)."
    )
