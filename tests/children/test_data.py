"""Data sets: what is in them, and how their files are made and refused."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from nas_hpc.children import DataError, Dataset, Split, load_search, load_test, prepare
from nas_hpc.children.digits import digits
from nas_hpc.experiment import ExperimentError, OwnCodeError
from tests.children.runs import make_experiment

OWN = """
from pathlib import Path
import numpy as np
from nas_hpc.children import Dataset, Split

def data(shift=0.0):
    with (Path(__file__).parent / "calls").open("a") as calls:
        calls.write("x")
    inputs = np.full((6, 1, 2, 3), shift, np.float32)
    split = Split(inputs, np.arange(6) % 2)
    return Dataset(split, split, split, 2)
"""


def test_digits_are_split_as_asked_with_every_class_in_proportion():
    data = digits(train=900, validation=450)
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [900, 450, 447]
    shares = np.bincount(load_digits().target) / 1797
    for part in parts:
        assert part.inputs.shape == (len(part), 1, 8, 8)
        assert np.abs(np.bincount(part.labels) - shares * len(part)).max() < 2
    np.testing.assert_allclose(data.train.inputs.mean(), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.inputs.std(), 1, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_digit_lies_in_exactly_one_part(seed):
    source = load_digits()
    images = source.images.reshape(1797, 64)
    assert len(np.unique(images, axis=0)) == 1797
    seen = []
    data = digits(train=600, validation=500, split_seed=seed)
    for part in (data.train, data.validation, data.test):
        flat = part.inputs.reshape(len(part), 64)
        # Scaling keeps the order of the grey levels: undo it by the two that are known.
        low, high = data.train.inputs.min(), data.train.inputs.max()
        grey = np.rint((flat - low) / (high - low) * 16)
        for image, label in zip(grey, part.labels, strict=True):
            (index,) = np.flatnonzero((images == image).all(1))
            assert source.target[index] == label
            seen.append(index)
    assert sorted(seen) == list(range(1797))


def test_another_split_seed_gives_another_split_and_the_same_seed_the_same():
    first, again, other = digits(), digits(), digits(split_seed=1)
    np.testing.assert_array_equal(first.train.inputs, again.train.inputs)
    assert not np.array_equal(first.train.labels, other.train.labels)


def test_digits_refuses_sizes_that_leave_nothing():
    with pytest.raises(DataError, match="1797 images"):
        digits(train=1500, validation=297)


def good_split() -> Split:
    return Split(np.zeros((4, 1, 2, 3), np.float32), np.array([0, 1, 0, 1]))


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (np.zeros((4, 1, 2, 3)), np.zeros(4, np.int64), "inputs must .* float32, not float64"),
        (np.zeros((4, 1, 2, 3), np.float32), np.zeros(4, np.int32), "labels must be .* int64"),
        (np.zeros((4, 2, 3), np.float32), np.zeros(4, np.int64), r"height, width\], not \(4, 2, 3"),
        (np.zeros((0, 1, 2, 3), np.float32), np.zeros(0, np.int64), r"not \(0, 1, 2, 3"),
        (np.zeros((4, 1, 3, 3), np.float32), np.zeros(4, np.int64), r"\(1, 3, 3\) images"),
        (np.zeros((4, 1, 2, 3), np.float32), np.zeros(3, np.int64), r"labels must be \[4\]"),
        (np.zeros((4, 1, 2, 3), np.float32), np.full(4, 2), r"0 \.\.\. 1, not 2 \.\.\. 2"),
        (np.zeros((4, 1, 2, 3), np.float32), np.full(4, -1), r"not -1"),
        (np.zeros((4, 1, 2, 3), ">f4"), np.zeros(4, np.int64), "inputs must .* not >f4"),
        (np.zeros((4, 1, 2, 3), np.uint8), np.zeros(4, np.int64), "uint8 values, train.* float32"),
        (np.full((4, 1, 2, 3), np.nan, np.float32), np.zeros(4, np.int64), "not finite"),
    ],
)
def test_a_wrong_part_is_named(inputs, labels, message):
    with pytest.raises(DataError, match=f"validation.*{message}"):
        Dataset(good_split(), Split(inputs, labels), good_split(), classes=2)


def test_prepared_digits_come_back_with_the_test_part_in_its_own_file(tmp_path: Path):
    about = prepare(make_experiment(), tmp_path / "data")
    expected = digits(train=120, validation=100)
    found = load_search(tmp_path / "data")
    assert found.test is None
    assert (found.classes, about["classes"]) == (10, 10)
    for part in ("train", "validation"):
        np.testing.assert_array_equal(getattr(found, part).inputs, getattr(expected, part).inputs)
        np.testing.assert_array_equal(getattr(found, part).labels, getattr(expected, part).labels)
    test = load_test(tmp_path / "data")
    assert expected.test is not None
    np.testing.assert_array_equal(test.inputs, expected.test.inputs)
    np.testing.assert_array_equal(test.labels, expected.test.labels)
    assert about["test"] == [1577, 1, 8, 8]
    with np.load(tmp_path / "data" / "search.npz") as arrays:
        assert {len(arrays[name]) for name in arrays.files if arrays[name].ndim} == {120, 100}


def test_digits_have_the_fingerprints_of_earlier_versions(tmp_path: Path):
    """So searches that were begun, and trainings that were paid for, are found again."""
    about = prepare(make_experiment(), tmp_path / "data")
    assert about["fingerprint"].startswith("82c73b745b54475dfe1d8fc0158d25ee")
    complete = load_search(tmp_path / "data").with_test(load_test(tmp_path / "data"))
    assert complete.test_fingerprint.startswith("22f89332f090aa5c2c123577865d7c9a")


def own_experiment(folder: Path, **options: float):
    (folder / "own.py").write_text(OWN)
    return make_experiment(data={"name": f"{folder}/own.py:data", "options": options})


def test_the_data_function_runs_once(tmp_path: Path):
    experiment = own_experiment(tmp_path)
    first = prepare(experiment, tmp_path / "data")
    assert prepare(experiment, tmp_path / "data") == first
    assert (tmp_path / "calls").read_text() == "x"


def test_a_lost_file_is_made_again(tmp_path: Path):
    experiment = own_experiment(tmp_path)
    first = prepare(experiment, tmp_path / "data")
    (tmp_path / "data" / "test.npz").unlink()
    assert prepare(experiment, tmp_path / "data") == first
    assert len(load_test(tmp_path / "data")) == 6


def test_edited_code_that_gives_the_same_data_is_accepted(tmp_path: Path):
    experiment = own_experiment(tmp_path)
    first = prepare(experiment, tmp_path / "data")
    (tmp_path / "own.py").write_text(OWN + "# a comment\n")
    second = prepare(experiment, tmp_path / "data")
    assert second["fingerprint"] == first["fingerprint"] and second["source"] != first["source"]
    assert prepare(experiment, tmp_path / "data") == second
    assert (tmp_path / "calls").read_text() == "xx"


def test_other_data_is_refused_and_the_old_kept(tmp_path: Path):
    prepare(own_experiment(tmp_path), tmp_path / "data")
    with pytest.raises(DataError, match=f"{tmp_path}/data holds the data of .*own.py:data"):
        prepare(own_experiment(tmp_path, shift=1.0), tmp_path / "data")
    assert load_search(tmp_path / "data").train.inputs.max() == 0.0


def test_missing_and_damaged_files_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"data/search\.npz does not exist"):
        load_search(tmp_path / "data")
    prepare(own_experiment(tmp_path), tmp_path / "data")
    for name, load in (("search.npz", load_search), ("test.npz", load_test)):
        file = tmp_path / "data" / name
        content = bytearray(file.read_bytes())
        for damaged in (content[: len(content) // 2], b"", b"no archive"):
            file.write_bytes(damaged)
            with pytest.raises(DataError, match=f"{name} cannot be read"):
                load(tmp_path / "data")
        content[len(content) // 3] ^= 255
        file.write_bytes(content)
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            load(tmp_path / "data")


@pytest.mark.parametrize("name", ["search.npz", "test.npz", "data.json"])
def test_a_damaged_file_is_named_when_the_data_is_asked_for_again(tmp_path: Path, name):
    experiment = own_experiment(tmp_path)
    about = prepare(experiment, tmp_path / "data")
    file = tmp_path / "data" / name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    message = f"data/{name} (cannot be read|is damaged).*nas-hpc prepare makes"
    with pytest.raises(DataError, match=message):
        prepare(experiment, tmp_path / "data")
    file.unlink()
    assert prepare(experiment, tmp_path / "data") == about


def test_a_file_of_another_program_is_named(tmp_path: Path):
    prepare(own_experiment(tmp_path), tmp_path / "data")
    np.savez(tmp_path / "data" / "test.npz", x=np.zeros(3), y=np.zeros(3))
    with pytest.raises(DataError, match=r"test\.npz cannot be read: its arrays are x, y\. Once"):
        load_test(tmp_path / "data")


def test_pixels_stay_bytes_on_disk(tmp_path: Path):
    code = OWN.replace("np.float32", "np.uint8").replace("shift=0.0", "shift=7")
    (tmp_path / "own.py").write_text(code)
    experiment = make_experiment(data={"name": f"{tmp_path}/own.py:data"})
    prepare(experiment, tmp_path / "data")
    found, test = load_search(tmp_path / "data"), load_test(tmp_path / "data")
    for split in (found.train, found.validation, test):
        assert split.inputs.dtype == np.uint8 and (split.inputs == 7).all()


def test_wrong_names_and_options_are_named(tmp_path: Path):
    with pytest.raises(ExperimentError, match=r"data\.name = 'cifar': allowed: cifar10, .*digits"):
        prepare(make_experiment(data={"name": "cifar"}), tmp_path / "data")
    with pytest.raises(OwnCodeError, match=r"data\.options.*'size'; allowed: train, validation"):
        prepare(make_experiment(data={"options": {"size": 3}}), tmp_path / "data")
    (tmp_path / "wrong.py").write_text("def data(): return 3\n")
    with pytest.raises(DataError, match="must return a Dataset"):
        prepare(make_experiment(data={"name": f"{tmp_path}/wrong.py:data"}), tmp_path / "data")
