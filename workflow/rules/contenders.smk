# What goes through the final training, and what its files start from.

import re
import shlex

from nas_hpc.retrain import contenders

# By the folder of their files below RETRAIN: what the search has found has none of its own, what
# stands beside it has `beside/<name>/`.
CONTENDERS = {
    f"beside/{name}/" if name else "": contender
    for name, contender in contenders(experiment).items()
}


wildcard_constraints:
    beside=f"({'|'.join(map(re.escape, CONTENDERS))})",


def whose(wildcards):
    """The option of a step's command that says which contender is meant."""
    name = CONTENDERS[wildcards.beside].name
    return f"--contender {shlex.quote(name)}" if name else ""


def search_of(wildcards):
    """The search that a contender comes from."""
    strategy = label(CONTENDERS[wildcards.beside].strategy)
    return RUN / "done" / f"search-{strategy}.json"


def rescores_of(wildcards):
    """A contender's new scores; one that no search has to find starts with the data."""
    contender = CONTENDERS[wildcards.beside]
    if contender.strategy is None:
        return RUN / "done" / "prepared.json"
    return expand(
        RETRAIN / "{beside}rescore" / "{candidate}.json",
        beside=wildcards.beside,
        candidate=range(contender.candidates),
    )


def grid_of(wildcards):
    """All points of a contender's grid."""
    return expand(
        RETRAIN / "{beside}grid" / "{top}-{point}.json",
        beside=wildcards.beside,
        top=range(CONTENDERS[wildcards.beside].top),
        point=range(POINTS),
    )
