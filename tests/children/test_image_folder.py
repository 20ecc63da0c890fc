"""A folder of images as a data set: what is read, and what is refused by name."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas_hpc.children import DataError, load_search, load_test, prepare
from nas_hpc.children.data import make_dataset
from nas_hpc.children.evaluation import evaluate
from tests.children.runs import make_experiment, make_run, make_spec

CLASSES = ("cat", "dog")


def colour(part: str, label: int, number: int) -> tuple[int, int, int]:
    return (10 * number, 100 * label, 200 if part == "test" else 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of one colour each, which tells part, class and number; 12 pixels wide, 6 high."""
    for part, count in (("train", 10), ("test", 4)):
        for label, name in enumerate(CLASSES):
            place = tmp_path / "pictures" / part / name
            place.mkdir(parents=True)
            for number in range(count):
                image = Image.new("RGB", (12, 6), colour(part, label, number))
                image.save(place / f"{number}.png")
    return tmp_path / "pictures"


def experiment(folder: Path, **options):
    return make_experiment(data={"name": "images", "options": {"folder": str(folder), **options}})


def colours(split) -> set[tuple[int, tuple[int, ...]]]:
    assert (split.inputs == split.inputs[:, :, :1, :1]).all()
    return {
        (int(label), tuple(map(int, image[:, 0, 0])))
        for image, label in zip(split.inputs, split.labels, strict=True)
    }


def test_every_image_is_in_its_part_with_the_label_of_its_folder(folder, tmp_path):
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    prepare(experiment(folder, validation=6), tmp_path / "data")
    search, test = load_search(tmp_path / "data"), load_test(tmp_path / "data")
    assert search.train.inputs.shape == (14, 3, 6, 12) and search.train.inputs.dtype == np.uint8
    assert len(search.validation) == 6 and np.bincount(search.validation.labels).tolist() == [3, 3]
    both = colours(search.train) | colours(search.validation)
    assert both == {(label, colour("train", label, n)) for label in (0, 1) for n in range(10)}
    assert colours(test) == {
        (label, colour("test", label, n)) for label in (0, 1) for n in range(4)
    }


def test_images_are_scaled_and_cut_to_a_square_and_turned_grey(folder, tmp_path):
    # Left third black, middle third white, right third black: only the white part is in the centre.
    stripes = np.zeros((6, 18, 3), np.uint8)
    stripes[:, 6:12] = 255
    Image.fromarray(stripes).save(folder / "test" / "cat" / "0.png")
    data = make_dataset(experiment(folder, size=3, channels=1).data)
    assert data.train.inputs.shape[1:] == (1, 3, 3)
    assert (data.test.inputs[0] > 200).all()  # the edges are interpolated with their neighbours
    # Pillow, ITU-R 601-2: L = 0.299 R + 0.587 G + 0.114 B
    grey = 0.587 * 100 + 0.114 * 200
    assert np.abs(data.test.inputs[4].astype(float) - grey).max() <= 1


def damage(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: damage(f / "train/dog/3.png"), {}, "train/dog/3.png cannot be read as an image"),
        (
            lambda f: (f / "test/cat/1.png").write_bytes(b""),
            {},
            "test/cat/1.png cannot be read as an image",
        ),
        (lambda f: (f / "test/dog").rename(f / "test/wolf"), {}, "same classes; .* dog, wolf"),
        (lambda f: (f / "test").rename(f / "exam"), {}, "/test must hold one folder of images for"),
        (lambda f: (f / "train/eel").mkdir(), {}, "/train must .* no valid file .* eel"),
        (
            lambda f: Image.new("RGB", (5, 6)).save(f / "test/dog/2.png"),
            {},
            "test/dog/2.png has 5 x 6 pixels, others 12 x 6: data.options.size",
        ),
        (lambda f: None, {"channels": 2}, "channels = 2: allowed: 1 .*, 3"),
        (lambda f: None, {"train": 19}, "train = 19, validation = 2.* at most 20"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_left(
    folder, tmp_path, change, options, message
):
    change(folder)
    with pytest.raises(DataError, match=message):
        prepare(experiment(folder, **options), tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory) -> Path:
    """CIFAR-10's JPEG copies as a folder: 100 training and 20 test images of each class."""
    if "NAS_HPC_DATA" not in os.environ:
        pytest.skip("NAS_HPC_DATA does not name the folder with cifar10/cifar10_jpeg.npz")
    folder = tmp_path_factory.mktemp("cifar10")
    with np.load(Path(os.environ["NAS_HPC_DATA"]) / "cifar10" / "cifar10_jpeg.npz") as archive:
        jpeg, ends, labels, tests, classes = (
            archive[name] for name in ("jpeg", "offsets", "labels", "is_test", "classes")
        )
    for part, count in (("train", 100), ("test", 20)):
        for label, name in enumerate(classes):
            (folder / part / name).mkdir(parents=True)
            for i in np.flatnonzero((labels == label) & (tests == (part == "test")))[:count]:
                (folder / part / name / f"{i}.jpg").write_bytes(jpeg[ends[i] : ends[i + 1]])
    return folder


def test_cifar10_is_read_as_it_lies_in_its_folder(cifar10, tmp_path):
    about = prepare(experiment(cifar10), tmp_path / "data")
    assert about["train"] == [900, 3, 32, 32] and about["validation"] == [100, 3, 32, 32]
    test = load_test(tmp_path / "data")
    assert np.bincount(test.labels).tolist() == [20] * 10
    files = sorted((cifar10 / "test").glob("*/*.jpg"))  # airplane, automobile, bird ...
    assert [path.parent.name for path in files[:21:20]] == ["airplane", "automobile"]
    for pixels, file in zip(test.inputs, files, strict=True):
        with Image.open(file) as image:
            np.testing.assert_array_equal(pixels, np.moveaxis(np.asarray(image), 2, 0))


def test_a_child_learns_from_cifar10_as_the_paper_prepares_it(cifar10, tmp_path):
    training = {"epochs": 4, "batch_size": 32, "augmentation": "upsample-flip"}
    data = {"name": "images", "options": {"folder": str(cifar10), "validation": 300}}
    asked = make_experiment(data=data, training=training)
    folder = make_run(tmp_path, asked)
    outcome = evaluate(asked, folder, make_spec(asked, 1))
    assert outcome.status == "ok", outcome.reason
    assert max(outcome.metrics["validation_accuracy"]) > 0.15  # 0.1 by chance, SD 0.017
