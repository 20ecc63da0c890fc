"""Strategies by name. Imports torch only when a strategy that needs it is made."""

from __future__ import annotations

from nas_hpc.experiment import Experiment, ExperimentError, is_reference, resolve
from nas_hpc.policies.strategy import Strategy
from nas_hpc.spaces import Space

REPLICATED = {"reinforce": True, "random": False}
"""The strategies that are built in."""


def make(name: str, experiment: Experiment, space: Space) -> Strategy:
    """The strategy of that name.

    Args:
        name: built in, or own code (see `nas_hpc.experiment.resolve`): a class with a class
            attribute ``replicated``, called with the experiment and the space.
        experiment: what it is made for.
        space: what it searches.

    Raises:
        ExperimentError: there is no such strategy.
        OwnCodeError: the name does not lead to code.
    """
    if is_reference(name):
        strategy: Strategy = resolve(name)(experiment, space)
        return strategy
    if name == "reinforce":
        from nas_hpc.policies.reinforce import Reinforce

        return Reinforce(space, experiment.controller, experiment.seed)
    if name == "random":
        from nas_hpc.policies.random_search import RandomSearch

        return RandomSearch(space, experiment.seed)
    raise _unknown(name)


def is_replicated(name: str) -> bool:
    """Whether the strategy of that name has K replicas and its θ at the parameter servers.

    Asked without making the strategy. Own code is imported for it; it keeps torch out of the
    dispatcher by importing it inside its functions.

    Raises:
        ExperimentError: there is no such strategy, or it does not say whether it is replicated.
        OwnCodeError: the name does not lead to code.
    """
    if is_reference(name):
        replicated = getattr(resolve(name), "replicated", None)
        if not isinstance(replicated, bool):
            raise ExperimentError(
                f"strategy {name}: its attribute replicated must be true or false"
            )
        return replicated
    if name not in REPLICATED:
        raise _unknown(name)
    return REPLICATED[name]


def _unknown(name: str) -> ExperimentError:
    return ExperimentError(
        f"strategy {name!r} does not exist; allowed: {', '.join(REPLICATED)}, "
        f"or your own as package.module:name or path/to/file.py:name"
    )
