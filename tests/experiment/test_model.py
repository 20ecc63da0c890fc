"""The configuration: documented throughout, with the paper's values, and frozen."""

import re

import pydantic
import pytest

from nas_hpc.experiment import Experiment
from nas_hpc.experiment.strict import Strict


def models(model=Strict):
    for child in model.__subclasses__():
        yield child
        yield from models(child)


def field_names():
    return [
        pytest.param(model, name, id=f"{model.__name__}.{name}")
        for model in models()
        for name in model.model_fields
    ]


@pytest.mark.parametrize(("model", "name"), field_names())
def test_every_key_is_documented(model, name):
    """By its docstring, or by that of the section that it holds."""
    field = model.model_fields[name]
    section = isinstance(field.annotation, type) and issubclass(field.annotation, Strict)
    text = field.description or (field.annotation.__doc__ if section else None)
    assert text, f"{model.__name__}.{name} has no docstring"
    assert text.rstrip().endswith((".", "...")), text


def test_all_models_are_seen():
    assert len(list(models())) >= 13
    assert all(model.__doc__ for model in models())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("controller.hidden", 35),
        ("controller.layers", 2),
        ("controller.initial_range", 0.08),
        ("controller.learning_rate", 0.0006),
        ("controller.entropy_weight", 0),
        ("controller.gradients_per_update", 1),
        ("search.replicas", 100),
        ("search.shards", 20),
        ("search.children_per_replica", 8),
        ("budget.trials", 12800),
        ("space.arguments", {"depth": 6}),
        ("training.epochs", 50),
        ("training.learning_rate", 0.1),
        ("training.momentum", 0.9),
        ("training.weight_decay", 1e-4),
        ("training.augmentation", "upsample-flip"),
        ("reward.last_epochs", 5),
        ("reward.power", 3),
    ],
)
def test_defaults_are_the_paper_s(key, value):
    found = Experiment(name="paper")
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value


def test_depth_grows_as_in_the_paper():
    experiment = Experiment.model_validate({"name": "paper", "space": {"schedule": {}}})
    numbers = [0, 1, 1599, 1600, 3199, 3200, 11199, 11200, 12799]
    depths = [experiment.arguments(number) for number in numbers]
    assert depths == [{"depth": depth} for depth in (6, 6, 6, 8, 8, 10, 18, 20, 20)]
    assert all(experiment.arguments(n) == {"depth": 6 + 2 * (n // 1600)} for n in range(12800))


def test_other_arguments_stay_as_they_are():
    data = {
        "name": "x",
        "space": {
            "arguments": {"cells": 3, "width": "big"},
            "schedule": {"argument": "cells", "add": 1, "every": 10},
        },
    }
    experiment = Experiment.model_validate(data)
    assert experiment.arguments(25) == {"cells": 5, "width": "big"}
    assert experiment.space.arguments == {"cells": 3, "width": "big"}
    fixed = Experiment.model_validate(data | {"space": {"arguments": {"cells": 3}}})
    assert fixed.arguments(10**6) == {"cells": 3}


def test_it_is_frozen_and_goes_through_json():
    experiment = Experiment(name="x")
    with pytest.raises(pydantic.ValidationError):
        experiment.seed = 2
    with pytest.raises(pydantic.ValidationError):
        experiment.training.epochs = 2
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"search": {"replicas": 2}}, "replica_ranks must be at most replicas (2)"),
        ({"search": {"shards": 1}}, "server_ranks must be at most shards (1)"),
        ({"retrain": {"top": 11}}, "top must be at most candidates (10)"),
        ({"space": {"schedule": {"argument": "width"}}}, "'width' must be a whole number"),
        ({"training": {"learning_rate": None}}, "training.learning_rate must be null where, and"),
        ({"space": {"learning_rates": [0.1, 0.01]}}, "training.learning_rate must be null where"),
        ({"retrain": {"grid": {"learning_rate": [None]}}}, "may have null only where space.learn"),
        ({"name": "../elsewhere"}, "should match pattern"),
        ({"controller": {"advantage_bound": 0}}, "greater than 0"),
        ({"retrain": {"seeds": 2}}, "greater than or equal to 3"),
    ],
)
def test_values_that_contradict_each_other_are_refused(data, message):
    with pytest.raises(pydantic.ValidationError, match=re.escape(message)):
        Experiment.model_validate({"name": "x"} | data)
