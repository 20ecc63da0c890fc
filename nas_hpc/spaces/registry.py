"""From the configuration of an experiment to its search space."""

from __future__ import annotations

from nas_hpc.experiment import Experiment, ExperimentError, check_arguments, is_reference, resolve
from nas_hpc.spaces.cell import cell
from nas_hpc.spaces.convnet import convnet
from nas_hpc.spaces.decisions import Space
from nas_hpc.spaces.layer_types import layer_types
from nas_hpc.spaces.learning_rate import with_learning_rate
from nas_hpc.spaces.pooling import pooling
from nas_hpc.spaces.recurrent_cell import recurrent_cell

BUILT_IN = {
    "cell": cell,
    "convnet": convnet,
    "layer-types": layer_types,
    "pooling": pooling,
    "recurrent-cell": recurrent_cell,
}


def load_space(experiment: Experiment) -> Space:
    """The space that the experiment names, called with its options.

    Raises:
        ExperimentError: there is no such space, its options are wrong, or it is not a `Space`.
        OwnCodeError: the name leads to no code, or options or arguments are not those it takes.
    """
    config = experiment.space
    if is_reference(config.name):
        named = resolve(config.name)
    elif config.name in BUILT_IN:
        named = BUILT_IN[config.name]
    else:
        raise ExperimentError(
            f"space.name = {config.name!r}: allowed are {', '.join(BUILT_IN)}, "
            "package.module:name and path/to/file.py:name"
        )
    if not isinstance(named, Space):
        check_arguments(named, config.options, "space.options")
    try:
        space = named if isinstance(named, Space) else named(**config.options)
    except (TypeError, ValueError) as error:
        raise ExperimentError(f"space.options = {config.options}: {error}") from error
    if not isinstance(space, Space):
        raise ExperimentError(f"space.name = {config.name!r} gives {space!r}, not a Space")
    check_arguments(space.generate, config.arguments, "space.arguments")
    enlarged = {**config.arguments, **experiment.retrain.arguments}
    check_arguments(space.generate, enlarged, "space.arguments with retrain.arguments")
    return with_learning_rate(space, config.learning_rates) if config.learning_rates else space
