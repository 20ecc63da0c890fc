"""The configuration of an experiment: every key, its meaning, its bounds and its default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nas_hpc.experiment.final import BASELINES, Retrain
from nas_hpc.experiment.reference import label
from nas_hpc.experiment.resources import Budget, Slots
from nas_hpc.experiment.search import Search
from nas_hpc.experiment.strict import Fraction, Positive, Rate, Strict
from nas_hpc.experiment.training import (
    CLASSIFIER,
    KINDS,
    LANGUAGE_MODEL,
    AnyTraining,
    LanguageTraining,
    Training,
)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


FOLDERS = ("data", "done", "logs", "retrain")
"""Of an experiment, beside those of its strategies."""


class Own(Strict):
    """Something built in, or your own code."""

    name: str
    """Built in, ``package.module:name``, or ``path/to/file.py:name`` relative to the YAML."""

    options: dict[str, Any] = {}
    """Keyword arguments of what is named."""


class Schedule(Strict):
    """An argument of the space that grows with the number of the sample (paper, section 4.1)."""

    argument: str = "depth"
    """Which of ``space.arguments``; its value there is the start."""

    add: Positive = 2
    """Added at each step."""

    every: Positive = 1600
    """Samples between two steps."""


class SpaceConfig(Own):
    """The search space."""

    name: str = "convnet"
    """``convnet``, ``pooling``, ``layer-types``, ``cell``, ``recurrent-cell``, or your own: a
    `Space`, or a function of ``options`` that returns one."""

    arguments: dict[str, Any] = {"depth": 6}
    """What its generator is called with."""

    schedule: Schedule | None = None
    """Lets one argument grow during the search."""

    learning_rates: tuple[Rate, ...] = ()
    """The policy also chooses the child's learning rate, among these; then
    ``training.learning_rate`` must be null."""


class DataConfig(Own):
    """The data set."""

    name: str = "digits"
    """``cifar10``, ``cifar100``, ``digits``, ``fashion-mnist``, ``images`` (any folder of images);
    ``ptb``, ``text`` (any folder of texts), ``pydoc`` (a text that every Python has); or your own:
    a function of ``options`` that returns a `Dataset` or a `Text`."""


class ChildConfig(Own):
    """What is built from an architecture and trained."""

    name: str = "classifier"
    """``classifier``, ``language-model``, or your own: a function that trains one architecture."""


class Reward(Strict):
    """How a score on validation data becomes a reward (paper, sections 4.1 and 4.2)."""

    last_epochs: Positive = 5
    """The best score of the last so many epochs counts."""

    power: Rate = 3.0
    """A classifier's accuracy is raised to this power."""

    scale: Rate = 80.0
    """A language model's reward is this, divided by the square of its perplexity."""

    failure: float = 0.0
    """Reward of a child that diverged or ran out of memory while alone."""

    def of(self, kind: str) -> dict[str, Any]:
        """The keys that matter to a kind of training."""
        return self.model_dump(exclude={"scale" if kind == CLASSIFIER else "power"})


class Controller(Strict):
    """The LSTM policy and REINFORCE (paper, sections 3.2 and 4.1)."""

    hidden: Positive = 35
    """Units of each LSTM layer, and the width of the embeddings."""

    layers: Positive = 2
    """LSTM layers."""

    initial_range: Rate = 0.08
    """Every parameter starts uniform in [-initial_range, initial_range]."""

    learning_rate: Annotated[float, Field(ge=0)] = 0.0006
    """Of Adam."""

    baseline_decay: Fraction = 0.95
    """Of the moving average of rewards that serves as baseline."""

    advantage_bound: Annotated[float, Field(gt=0)] | None = 3.0
    """Rewards further below the baseline than so many usual deviations count as if they were just
    so far, so that one failed child does not dominate Adam's moments. null: unbounded."""

    entropy_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the policy's entropy in the objective; the paper has none."""

    gradients_per_update: Positive = 1
    """Gradients that the parameter servers average into one step of Adam."""


class Report(Strict):
    """What tables show beside the experiment's own results."""

    published: Literal["cifar10", "ptb"] | None = None
    """Published results to quote beside ours: test errors on ``cifar10``, or test perplexities on
    ``ptb``. null: none."""


class Experiment(Strict):
    """One experiment: a search, its comparison with random search, and the final training."""

    name: Name
    """Names the folders of its runs and results; the same as the YAML file's."""

    title: str = ""
    """One line for tables and figures."""

    seed: Annotated[int, Field(ge=0)] = 1
    """All random numbers follow from it."""

    runs: str = "runs"
    """Folder of live state, relative to the working directory or absolute (scratch)."""

    space: SpaceConfig = SpaceConfig()
    data: DataConfig = DataConfig()
    child: ChildConfig = ChildConfig()

    training: AnyTraining = Training()
    """How one child is trained: an image classifier or a language model."""

    reward: Reward = Reward()
    controller: Controller = Controller()
    search: Search = Search()
    budget: Budget = Budget()
    slots: Slots = Slots()
    retrain: Retrain = Retrain()
    report: Report = Report()

    compare_with: tuple[str, ...] = ("random",)
    """Strategies that run beside the search with the same budget."""

    @model_validator(mode="before")
    @classmethod
    def _kind_follows_from_child(cls, data: Any) -> Any:
        """Fill in the kind of training, and of its grid, which decide which keys they have."""
        if not isinstance(data, dict):
            return data
        child, training = data.get("child", {}), data.get("training", {})
        if not isinstance(child, dict) or not isinstance(training, dict):
            return data
        built_in = child.get("name", CLASSIFIER)
        kind = built_in if built_in in KINDS else training.get("kind", CLASSIFIER)
        filled = data | {"training": {"kind": kind} | training}
        retrain = data.get("retrain", {})
        if isinstance(retrain, dict) and isinstance(grid := retrain.get("grid", {}), dict):
            filled["retrain"] = retrain | {"grid": {"kind": kind} | grid}
        return filled

    @model_validator(mode="after")
    def _kinds_agree(self) -> Experiment:
        kinds: dict[str, str] = {
            "training.kind": self.training.kind,
            "retrain.grid.kind": self.retrain.grid.kind,
        }
        if self.child.name in KINDS:
            kinds["child.name"] = self.child.name
        if len(set(kinds.values())) > 1:
            said = ", ".join(f"{key} {kind!r}" for key, kind in kinds.items())
            raise ValueError(f"one kind of training is needed, not {said}")
        return self

    @model_validator(mode="after")
    def _beside_is_known(self) -> Experiment:
        baselines = BASELINES if self.training.kind == LANGUAGE_MODEL else ()
        allowed = (*self.compare_with, *baselines)
        for name in self.retrain.beside:
            if name not in allowed:
                known = ", ".join(allowed) or "none, for compare_with is empty"
                raise ValueError(f"retrain.beside: {name!r}: allowed: {known}")
            if name not in self.compare_with and None in self.retrain.grid.learning_rate:
                raise ValueError(
                    f"retrain.grid.learning_rate may not have null beside {name!r}, for which no "
                    "policy has chosen one"
                )
        return self

    @model_validator(mode="after")
    def _cells_beside_are_as_large(self) -> Experiment:
        training = self.training
        if not isinstance(training, LanguageTraining) or training.hidden is None:
            return self
        cells = [name for name in self.retrain.beside if name not in self.compare_with]
        if cells and self.retrain.parameters is None:
            raise ValueError(
                f"retrain.beside: {cells[0]!r} would not have as many parameters as what was "
                "found: set retrain.parameters, or training.parameters instead of training.hidden"
            )
        return self

    @model_validator(mode="after")
    def _labels_differ(self) -> Experiment:
        known = {name: name for name in FOLDERS}
        for name in (self.search.strategy, *self.compare_with, *self.retrain.beside):
            other = known.setdefault(label(name), name)
            if other != name:
                raise ValueError(
                    f"search.strategy, compare_with and retrain.beside: {other!r} and {name!r} "
                    f"would share the folder {label(name)!r}: what comes after the colon must "
                    "differ"
                )
        return self

    @model_validator(mode="after")
    def _published_are_of_the_same_text(self) -> Experiment:
        options = self.data.options
        bounds = ("max_vocabulary", "train", "validation", "test")
        words = self.data.name == "ptb" and options.get("level", "word") == "word"
        whole = words and all(options.get(key) is None for key in bounds)
        if self.report.published == "ptb" and not whole:
            raise ValueError(
                "report.published: 'ptb': published perplexities are of all words of the Penn "
                "Treebank: data.name must be ptb, and data.options have level word and none of "
                f"{', '.join(bounds)}"
            )
        return self

    @model_validator(mode="after")
    def _schedule_has_start(self) -> Experiment:
        schedule = self.space.schedule
        if schedule and not isinstance(self.space.arguments.get(schedule.argument), int):
            raise ValueError(
                f"space.schedule.argument {schedule.argument!r} must be a whole number "
                f"among space.arguments {sorted(self.space.arguments)}"
            )
        return self

    @model_validator(mode="after")
    def _learning_rate_is_given_or_chosen(self) -> Experiment:
        chosen = bool(self.space.learning_rates)
        if (self.training.learning_rate is None) != chosen:
            raise ValueError(
                "training.learning_rate must be null where, and only where, "
                "space.learning_rates are given"
            )
        if None in self.retrain.grid.learning_rate and not chosen:
            raise ValueError(
                "retrain.grid.learning_rate may have null only where space.learning_rates are given"
            )
        return self

    def arguments(self, sample: int) -> dict[str, Any]:
        """The space's arguments for a sample, by its number from 0 (paper, section 4.1)."""
        schedule = self.space.schedule
        if schedule is None:
            return dict(self.space.arguments)
        grown = self.space.arguments[schedule.argument] + schedule.add * (sample // schedule.every)
        return dict(self.space.arguments) | {schedule.argument: grown}
