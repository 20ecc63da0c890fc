"""YAML files: errors that name file, key and what is allowed."""

from pathlib import Path

import pytest

from nas_hpc.experiment import (
    ExperimentError,
    LanguageTraining,
    read,
    read_targets,
    validate,
)

LANGUAGE = "child: {name: language-model}"
HIDDEN = "training: {parameters: null, hidden: 200}"
QUOTED = "report: {published: ptb}"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_a_file_is_read_and_named_after_itself(write):
    experiment = read(write("seed: 7\ntraining: {epochs: 3, decay_at: [0.4]}\n"))
    assert experiment.name == "mine"
    assert experiment.seed == 7
    assert (experiment.training.epochs, experiment.training.decay_at) == (3, (0.4,))
    assert experiment.search.replicas == 100


def test_the_child_decides_which_keys_training_has(write):
    text = "{child: {name: language-model}, training: {epochs: 3}, retrain: {parameters: 9000}}"
    experiment = read(write(text))
    assert isinstance(experiment.training, LanguageTraining)
    assert (experiment.training.epochs, experiment.training.steps) == (3, 35)
    assert "dropout" in experiment.retrain.grid.model_dump()


def test_own_code_may_be_trained_as_a_language_model(write):
    experiment = read(write("{child: {name: 'own.py:mine'}, training: {kind: language-model}}"))
    assert experiment.training.measure.best([80.0, 70.0]) == 70.0
    assert experiment.retrain.grid.kind == "language-model"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sede: 1", ["sede is not a key; allowed here: name, title, seed, "]),
        ("training: {epoch: 3}", ["training.epoch is not a key; allowed here: epochs, batch_size"]),
        (
            "space: {schedule: {evry: 3}}",
            ["space.schedule.evry is not a key; allowed here: argument, add, every"],
        ),
        (
            "retrain: {grid: {momentum: [0.9]}}",
            ["retrain.grid.momentum is not a key; allowed here: learning_rate, weight_decay"],
        ),
        ("training: {epochs: 0}", ["training.epochs = 0", "greater than or equal to 1"]),
        ("training: {momentum: 1}", ["training.momentum = 1", "less than 1"]),
        ("training: {epochs: many}", ["training.epochs = 'many'", "valid integer"]),
        ("training: {decay_at: [0.5, 1.5]}", ["training.decay_at.1 = 1.5", "less than 1"]),
        ("search: {mode: fast}", ["search.mode = 'fast'", "'paper' or 'barrier-free'"]),
        ("slots: {executor: cloud}", ["slots.executor = 'cloud'", "'local', 'debug' or 'slurm'"]),
        ("training: {augmentation: mixup}", ["'shift-flip', 'upsample' or 'upsample-flip'"]),
        ("search: {replicas: 2}", ["search", "replica_ranks must be at most replicas (2)"]),
        ("name: a/b", ["name = 'a/b'", "pattern"]),
        (
            "{child: {name: language-model}, training: {momentum: 0.9}}",
            ["training.momentum is not a key; allowed here: epochs, layers, parameters"],
        ),
        (
            "{child: {name: language-model}, retrain: {grid: {decay_at: [[0.5]]}}}",
            ["retrain.grid.decay_at is not a key; allowed here: learning_rate, initial_range"],
        ),
        (
            "{child: {name: language-model}, training: {hidden: 100}}",
            ["training", "give either parameters or hidden"],
        ),
        (
            "{child: {name: language-model}, training: {kind: classifier}}",
            ["one kind of training is needed, not training.kind 'classifier'"],
        ),
        (
            "{training: {kind: poem}}",
            ["training", "'classifier', 'language-model'"],
        ),
        (
            "{child: {name: language-model}, retrain: {beside: [random, rnn]}}",
            ["retrain.beside: 'rnn': allowed: random, lstm, gru, nascell"],
        ),
        (
            "{retrain: {beside: [lstm]}}",
            ["retrain.beside: 'lstm': allowed: random"],
        ),
        (
            "{child: {name: language-model}, retrain: {variants: [dense]}}",
            ["retrain", "'dense' is not known of a language-model", "shared-embeddings"],
        ),
        ("retrain: {parameters: 1000}", ["retrain", "parameters is a key of language models"]),
        (
            "retrain: {transfer: [ptb-characters]}",
            ["retrain", "transfer is a key of language models"],
        ),
        (
            "{child: {name: language-model}, retrain: {transfer: [words, words]}}",
            ["retrain", "transfer must differ from each other"],
        ),
        ("space: convnet", ["space = 'convnet'", "dictionary"]),
    ],
)
def test_a_wrong_file_is_refused_with_file_key_and_what_is_allowed(write, text, parts):
    path = write(text)
    with pytest.raises(ExperimentError) as caught:
        read(path)
    for part in [path, *parts]:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        "{name: pydoc}",
        "{name: text, options: {folder: datasets/ptb}}",
        "{name: 'own.py:ptb'}",
        "{name: ptb, options: {level: character}}",
        "{name: ptb, options: {max_vocabulary: 1000}}",
        "{name: ptb, options: {train: 90000}}",
        "{name: ptb, options: {validation: 7000}}",
        "{name: ptb, options: {test: 8000}}",
    ],
)
def test_published_perplexities_stand_only_beside_those_of_the_same_text(write, data):
    with pytest.raises(ExperimentError) as caught:
        read(write(f"{{{LANGUAGE}, data: {data}, {QUOTED}}}"))
    assert "report.published: 'ptb'" in str(caught.value)
    assert "data.name must be ptb" in str(caught.value) and "level word" in str(caught.value)


@pytest.mark.parametrize("options", ["{}", "{level: word, max_vocabulary: null, test: null}"])
def test_of_the_whole_treebank_they_may_be_quoted(write, options):
    data = f"{{name: ptb, options: {options}}}"
    text = f"{{{LANGUAGE}, data: {data}, {QUOTED}}}"
    assert read(write(text)).report.published == "ptb"


@pytest.mark.parametrize("name", ["lstm", "gru", "nascell"])
def test_cells_beside_what_was_found_must_have_as_many_parameters(write, name):
    with pytest.raises(ExperimentError) as caught:
        read(write(f"{{{LANGUAGE}, {HIDDEN}, retrain: {{beside: [random, {name}]}}}}"))
    assert f"retrain.beside: '{name}' would not have as many parameters" in str(caught.value)
    for key in ("set retrain.parameters", "training.parameters", "training.hidden"):
        assert key in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"{{{LANGUAGE}, {HIDDEN}, retrain: {{beside: [lstm], parameters: 9000}}}}",
        f"{{{LANGUAGE}, training: {{parameters: 9000}}, retrain: {{beside: [lstm]}}}}",
        f"{{{LANGUAGE}, {HIDDEN}, retrain: {{beside: [random]}}}}",
        f"{{{LANGUAGE}, {HIDDEN}}}",
    ],
)
def test_a_hidden_size_may_be_given_where_none_of_them_takes_it(write, text):
    assert read(write(text)).training.kind == "language-model"


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("search: {strategy: 'm1.py:S'}, compare_with: ['m2.py:S']", "m1.py:S", "m2.py:S"),
        ("search: {strategy: 'mine.py:random'}", "mine.py:random", "random"),
        ("search: {strategy: 'mine.py:data'}", "data", "mine.py:data"),
        ("compare_with: [random, 'mine.py:random']", "random", "mine.py:random"),
        ("compare_with: ['a.b:S', 'a.c:S']", "a.b:S", "a.c:S"),
        (
            f"{LANGUAGE}, compare_with: ['m3.py:lstm'], retrain: {{beside: ['m3.py:lstm', lstm]}}",
            "m3.py:lstm",
            "lstm",
        ),
        (
            f"{LANGUAGE}, compare_with: ['m3.py:lstm'], retrain: {{beside: [lstm]}}",
            "m3.py:lstm",
            "lstm",
        ),
        (
            f"{LANGUAGE}, search: {{strategy: 'm3.py:gru'}}, retrain: {{beside: [gru]}}",
            "m3.py:gru",
            "gru",
        ),
    ],
)
def test_two_of_one_name_would_overwrite_each_other(write, text, one, other):
    with pytest.raises(ExperimentError) as caught:
        read(write(f"{{{text}}}"))
    assert f"'{one}' and '{other}' would share the folder" in str(caught.value)


def test_one_strategy_may_stand_in_several_places(write):
    text = "{compare_with: ['m.py:S', 'm.py:T', reinforce], retrain: {beside: ['m.py:T']}}"
    assert len(read(write(text)).compare_with) == 3


def test_all_mistakes_are_named_at_once(write):
    with pytest.raises(ExperimentError) as caught:
        read(write("sede: 1\ntraining: {epochs: 0, epoch: 3}\n"))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1", "is not YAML"), ("- 1", "must hold keys and values"), ("", "must hold keys")],
)
def test_what_is_no_configuration_is_refused(write, text, message):
    path = write(text)
    with pytest.raises(ExperimentError, match=message) as caught:
        read(path)
    assert path in str(caught.value)


def test_an_unknown_experiment_is_refused_with_those_that_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = tmp_path / "workflow" / "experiments"
    shipped.mkdir(parents=True)
    (shipped / "small.yaml").write_text("seed: 5\n")
    assert read("small").seed == 5
    with pytest.raises(ExperimentError, match=r"'big' does not exist; allowed: .*small"):
        read("big")
    with pytest.raises(ExperimentError, match=r"big\.yaml does not exist"):
        read("big.yaml")


def test_files_of_own_code_are_relative_to_the_yaml(write, tmp_path):
    experiment = read(
        write(
            "space: {name: 'code/own.py:space'}\n"
            "child: {name: 'package.module:child'}\n"
            "search: {strategy: 'own.py:Strategy'}\n"
            "compare_with: [random, 'own.py:Other']\n"
        )
    )
    assert experiment.space.name == f"{tmp_path}/code/own.py:space"
    assert experiment.child.name == "package.module:child"
    assert experiment.data.name == "digits"
    assert experiment.search.strategy == f"{tmp_path}/own.py:Strategy"
    assert experiment.compare_with == ("random", f"{tmp_path}/own.py:Other")


def test_what_is_shipped_is_valid():
    folder = Path(__file__).parents[2] / "workflow" / "experiments"
    for path in folder.glob("*.yaml"):
        assert read(str(path)).name == path.stem


def test_parsed_data_are_validated_alike():
    assert validate({"seed": 3}, Path("folder/a.yaml")).name == "a"
    with pytest.raises(ExperimentError, match=r"folder/a\.yaml: sed is not a key"):
        validate({"sed": 3}, Path("folder/a.yaml"))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("worlds", "experiment 'worlds' does not exist; allowed: cifar10"),
        ("words.yaml", "words.yaml does not exist"),
        ("digits", "its training.kind is classifier; allowed: language-model"),
    ],
)
def test_a_target_of_a_transfer_must_be_a_language_model(write, name, part):
    text = "{child: {name: language-model}, retrain: {transfer: [%s]}}"
    with pytest.raises(ExperimentError) as caught:
        read(write(text % name))
    assert "retrain.transfer = " in str(caught.value) and part in str(caught.value)


def test_a_target_makes_models_of_as_many_parameters(write, tmp_path):
    (tmp_path / "fixed.yaml").write_text(
        "{child: {name: language-model}, training: {parameters: null, hidden: 100}}"
    )
    with pytest.raises(ExperimentError, match=r"it must have training\.parameters"):
        read(write("{child: {name: language-model}, retrain: {transfer: [fixed.yaml]}}"))


def test_a_target_may_lie_beside_the_file_that_names_it(write, tmp_path):
    text = "{child: {name: language-model}, retrain: {transfer: [%s]}}"
    other = write(text % "words")
    (tmp_path / "letters.yml").write_text(text % Path(other).name)
    (target,) = read_targets(read(str(tmp_path / "letters.yml")))
    assert target.name == Path(other).stem and target.retrain.transfer == ("words",)
