"""Texts as data sets: what becomes a token, what is unknown, and what is refused by name."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from nas_hpc.children import DataError, Text, load_search, load_test, prepare, prepared
from nas_hpc.children.data import make_dataset
from nas_hpc.children.pydoc_text import pydoc
from nas_hpc.children.text_files import ptb, text
from nas_hpc.experiment.training import LanguageTraining
from tests.children.runs import make_experiment

TEXTS = {
    "train.txt": "the cat sat\n\nthe  dog\tsat on the mat \n",
    "valid.txt": "the bird sat\n",
    "test.txt": "a dog sat\nthe end",
}


ANOTHER_TEST = "a dog and a cat\nthe end of it\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "texts"
    place.mkdir()
    for name, content in TEXTS.items():
        (place / name).write_text(content)
    return place


def words(data: Text, part: str) -> str:
    return " ".join(data.vocabulary[token] for token in getattr(data, part))


def test_the_test_text_changes_nothing_that_children_are_trained_on(folder):
    (folder / "valid.txt").write_text("the cat\n")
    (folder / "test.txt").write_text("the dog\n")
    known = text(str(folder))
    (folder / "test.txt").write_text(ANOTHER_TEST)
    unknown = text(str(folder))
    assert known.vocabulary == unknown.vocabulary
    assert words(unknown, "test") == "<unk> dog <unk> <unk> cat <eos> the <unk> <unk> <unk> <eos>"


@pytest.mark.parametrize("bound", range(3, 9))
def test_a_vocabulary_is_no_larger_than_its_bound(folder, bound):
    data = text(str(folder), max_vocabulary=bound)  # the training text has seven different words
    assert len(data.vocabulary) == bound and "<unk>" in data.vocabulary
    assert len(text(str(folder), max_vocabulary=9).vocabulary) == 8


def test_ends_of_sentences_are_known_however_rare(folder):
    (folder / "train.txt").write_text("a a a b b c d")
    data = text(str(folder), max_vocabulary=3)
    assert words(data, "train") == "a a a <unk> <unk> <unk> <unk> <eos>"


def test_a_mark_of_the_byte_order_is_no_part_of_a_word(folder):
    (folder / "train.txt").write_text(TEXTS["train.txt"], encoding="utf-8-sig")
    assert words(text(str(folder)), "train").startswith("the cat")


def test_one_line_is_one_sentence_and_unknown_words_are_marked(folder):
    data = text(str(folder))
    assert words(data, "train") == "the cat sat <eos> the dog sat on the mat <eos>"
    assert words(data, "validation") == "the <unk> sat <eos>"
    assert words(data, "test") == "<unk> dog sat <eos> the <unk> <eos>"
    assert data.vocabulary == ("the", "<eos>", "sat", "cat", "dog", "mat", "on", "<unk>")


def test_characters_are_those_of_the_words_with_one_space_between(folder):
    data = text(str(folder), level="character")
    said = [data.vocabulary[token] for token in data.train]
    assert said == [*"the cat sat", "<eos>", *"the dog sat on the mat", "<eos>"]
    assert words(data, "validation") == "t h e   <unk> <unk> <unk> d   s a t <eos>"


def test_only_the_most_frequent_words_are_known(folder):
    data = text(str(folder), max_vocabulary=5)
    assert set(data.vocabulary) == {"<unk>", "the", "sat", "<eos>", "cat"}
    assert words(data, "train") == "the cat sat <eos> the <unk> sat <unk> the <unk> <eos>"
    assert text(str(folder), max_vocabulary=8).vocabulary == text(str(folder)).vocabulary


def test_parts_begin_where_the_text_begins_and_keep_its_vocabulary(folder):
    whole, some = text(str(folder)), text(str(folder), train=4, validation=3, test=2)
    assert some.vocabulary == whole.vocabulary
    for part, size in (("train", 4), ("validation", 3), ("test", 2)):
        np.testing.assert_array_equal(getattr(some, part), getattr(whole, part)[:size])


def test_compressed_files_are_read_too(folder):
    expected = text(str(folder))
    for name, content in TEXTS.items():
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    found = text(str(folder))
    assert found.vocabulary == expected.vocabulary
    np.testing.assert_array_equal(found.test, expected.test)


def damaged(folder: Path) -> None:
    content = gzip.compress((TEXTS["train.txt"] * 50).encode())
    (folder / "train.txt").unlink()
    (folder / "train.txt.gz").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: (f / "valid.txt").unlink(), {}, r"texts/valid\.txt does not exist"),
        (lambda f: (f / "test.txt").write_text("\n \n"), {}, r"texts/test\.txt holds no words"),
        (lambda f: (f / "test.txt").write_bytes(b"\xff"), {}, r"texts/test\.txt cannot be read"),
        (damaged, {}, r"texts/train\.txt\.gz cannot be read"),
        (lambda f: None, {"level": "letter"}, "level = 'letter': allowed: word, character"),
        (lambda f: None, {"train": 12}, "train = 12: must be at least 2, and at most 11"),
        (lambda f: None, {"validation": 1}, "validation = 1: must be at least 2, and at most 4"),
        (lambda f: None, {"max_vocabulary": 2}, "max_vocabulary = 2: must be at least 3"),
    ],
)
def test_what_cannot_be_used_is_named(folder, change, options, message):
    change(folder)
    with pytest.raises(DataError, match=message):
        text(str(folder), **options)


def good(**changes) -> Text:
    part = np.array([0, 1, 2], np.int32)
    parts = {"train": part, "validation": part, "test": part, "vocabulary": ("a", "b", "c")}
    return Text(**(parts | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation": np.array([0, 1])}, "validation must be a numpy array of int32, not int64"),
        ({"test": [0, 1]}, "test must be a numpy array of int32, not list"),
        ({"train": np.array([[0, 1]], np.int32)}, r"train must be \[n\].* not \[1, 2\]"),
        ({"train": np.array([0], np.int32)}, r"at least 2 tokens, not \[1\]"),
        ({"test": np.array([0, 3], np.int32)}, r"test must lie in 0 \.\.\. 2, not 0 \.\.\. 3"),
        ({"test": np.array([0, -1], np.int32)}, r"not -1 \.\.\. 0"),
        ({"vocabulary": ("a", "b", "a")}, "the word 'a' more than once"),
        ({"vocabulary": ["a", "b", "c"]}, "a tuple of strings, not list"),
        ({"vocabulary": ("a", "b", "c\n")}, r"a line break in it: 'c\\n'"),
    ],
)
def test_a_wrong_part_is_named(changes, message):
    with pytest.raises(DataError, match=message):
        good(**changes)


def experiment(folder: Path, **options):
    data = {"name": "text", "options": {"folder": str(folder), **options}}
    return make_experiment(
        data=data, child={"name": "language-model"}, training={}, space={"name": "recurrent-cell"}
    )


def test_a_prepared_text_comes_back_with_the_test_part_in_its_own_file(folder, tmp_path):
    place, asked, expected = tmp_path / "data", experiment(folder), text(str(folder))
    about = prepare(asked, place)
    assert json.loads((place / "data.json").read_text()) == about == prepared(asked, place)
    assert (about["vocabulary"], about["train"], about["test"]) == (8, [11], [7])
    search, test = load_search(place), load_test(place)
    assert isinstance(search, Text) and search.test is None
    assert search.vocabulary == expected.vocabulary
    complete = search.with_test(test)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(complete, part), getattr(expected, part))
    assert complete.vocabulary == expected.vocabulary
    with np.load(place / "search.npz") as arrays:
        assert set(arrays.files) == {"train", "validation", "vocabulary"}


def test_fingerprints_tell_parts_apart(folder):
    plain = text(str(folder))
    assert good().test_fingerprint != good(test=np.array([0, 1], np.int32)).test_fingerprint
    assert good(test=None).test_fingerprint == ""
    assert plain.test_fingerprint == text(str(folder), train=5).test_fingerprint


def test_the_beginning_is_enough_for_some_steps_of_the_training():
    part = np.zeros(1000, np.int32)
    data = good(train=part, validation=part)
    some = data.beginning(2, LanguageTraining(batch_size=4, steps=10))
    # Two steps of four streams of ten tokens, each of which is there to be predicted.
    assert len(some.train) == len(some.validation) == 81 and some.test is None


def test_another_text_in_the_same_folder_is_refused(folder, tmp_path):
    prepare(experiment(folder), tmp_path / "data")
    with pytest.raises(DataError, match="holds the data of 'text'"):
        prepare(experiment(folder, train=5), tmp_path / "data")


def test_own_data_may_be_a_text(tmp_path):
    (tmp_path / "own.py").write_text(
        "import numpy as np\n"
        "from nas_hpc.children import Text\n"
        "def data():\n"
        "    part = np.array([0, 1, 0], np.int32)\n"
        "    return Text(part, part, part, ('a', 'b'))\n"
    )
    asked = make_experiment(data={"name": f"{tmp_path}/own.py:data"})
    assert make_dataset(asked.data).about()["vocabulary"] == 2


def test_the_documentation_of_python_is_a_text():
    data = pydoc()
    assert len(data.vocabulary) == 2000 and {"<unk>", "<eos>", "python"} < set(data.vocabulary)
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sizes[0] > 40_000 and min(sizes) > 4000
    unknown = data.vocabulary.index("<unk>")
    assert np.mean(data.train == unknown) < 0.05 and np.mean(data.test == unknown) < 0.1


def test_no_paragraph_of_the_documentation_is_in_two_parts():
    data = pydoc(max_vocabulary=None)
    seen: list[set[str]] = []
    for part in ("train", "validation", "test"):
        paragraphs = {
            paragraph for paragraph in words(data, part).split(" <eos>") if "<unk>" not in paragraph
        }
        assert len(paragraphs) > 50
        seen.append(paragraphs - {""})
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_the_penn_treebank_is_known_by_its_counts(tmp_path):
    for name in ("train", "valid", "test"):
        (tmp_path / f"ptb.{name}.txt").write_text("no such sentence\n")
    message = r"ptb\.train\.txt has 4 words, not the 929,589 of the Penn Treebank"
    with pytest.raises(DataError, match=message):
        ptb(str(tmp_path))


@pytest.fixture(scope="module")
def treebank() -> str:
    if "NAS_HPC_DATA" not in os.environ:
        pytest.skip("NAS_HPC_DATA does not name the folder with ptb/ptb.train.txt")
    return str(Path(os.environ["NAS_HPC_DATA"]) / "ptb")


def test_the_penn_treebank_has_the_published_words(treebank):
    data = ptb(treebank)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [
        929_589,
        73_760,
        82_430,
    ]
    assert len(data.vocabulary) == 10_000
    assert words(data, "validation").startswith("consumers may want to move their telephones a")
    assert words(ptb(treebank, train=9), "train").startswith("aer banknote berlitz")


def test_the_penn_treebank_has_the_published_characters(treebank):
    """Mikolov et al. 2012: 5,017k, 393k and 442k characters, 50 different ones."""
    data = ptb(treebank, level="character")
    sizes = [len(part) / 1000 for part in (data.train, data.validation, data.test)]
    np.testing.assert_allclose(sizes, [5017, 393, 442], atol=0.5)
    assert len(data.vocabulary) == 50


def test_a_changed_word_of_the_penn_treebank_is_noticed(treebank, tmp_path):
    for name in ("train", "valid", "test"):
        compressed = (Path(treebank) / f"ptb.{name}.txt.gz").read_bytes()
        (tmp_path / f"ptb.{name}.txt").write_bytes(gzip.decompress(compressed))
    file = tmp_path / "ptb.train.txt"
    file.write_text(file.read_text().replace(" aer ", " air ", 1))
    with pytest.raises(DataError, match=r"train\.txt has a vocabulary of 9,999 words, not the 10,"):
        ptb(str(tmp_path))
