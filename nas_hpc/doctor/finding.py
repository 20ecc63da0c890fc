"""What a check has found, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from rich.console import Console
from rich.markup import escape

Level = Literal["ok", "warning", "FAILED"]
COLOURS: dict[Level, str] = {"ok": "green", "warning": "yellow", "FAILED": "bold red"}


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes:
        found: what is so, in words.
        level: ``FAILED``: the search would not run; ``warning``: it would, but not as asked for.
        mend: what to do about it; empty if nothing is wrong.
        what: was looked at, in two or three words.
    """

    found: str
    level: Level = "ok"
    mend: str = ""
    what: str = ""


def warning(found: str, mend: str) -> Finding:
    """A search runs, but not as well as it could."""
    return Finding(found, "warning", mend)


def failed(found: str, mend: str) -> Finding:
    """A search cannot run."""
    return Finding(found, "FAILED", mend)


def check(what: str, look: Callable[[], Finding]) -> Finding:
    """Have a look; that it is not possible is a failure too.

    Args:
        what: is looked at, in two or three words.
        look: finds out; what it raises is said, and the next check follows.
    """
    try:
        finding = look()
    except Exception as error:
        said = str(error).strip() or type(error).__name__
        finding = failed(f"cannot be checked: {said}", "see to what is named here, then ask again")
    return replace(finding, what=what)


def tell(findings: Iterable[Finding], console: Console) -> int:
    """Say findings one after another, one line each, as they are made.

    Returns:
        How many are failures.
    """
    failures = 0
    for finding in findings:
        failures += finding.level == "FAILED"
        console.print(_line(finding), soft_wrap=True)
    return failures


def _line(finding: Finding) -> str:
    colour = COLOURS[finding.level]
    mend = f" [bold]Mend:[/] {escape(finding.mend)}" if finding.mend else ""
    found = escape(" ".join(finding.found.split()).rstrip("."))
    return f"[{colour}]{finding.level:<8}[/]{finding.what}: {found}.{mend}"
