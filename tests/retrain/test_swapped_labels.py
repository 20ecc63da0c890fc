"""Test labels that are the wrong way round: whatever looked at them would choose otherwise."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas_hpc.children.image_folder import images
from nas_hpc.retrain.steps import final
from tests.retrain.finished import experiment_in, searched
from tests.retrain.test_steps import choosing_steps

SWAPPED = """
from nas_hpc.children import Dataset, Split
from tests.retrain.images import stripes


def swapped():
    data = stripes()
    test = Split(data.test.inputs, 1 - data.test.labels)
    return Dataset(data.train, data.validation, test, data.classes)
"""


def test_no_choice_changes_and_what_was_right_is_wrong(tmp_path: Path) -> None:
    """With two classes an accuracy of a becomes 1 - a: the best on test data would be the worst."""
    (tmp_path / "mine.py").write_text(SWAPPED)
    learning = {"retrain": {"epochs": 10}}  # enough for points of the grid to differ
    ours = searched(experiment_in(tmp_path / "ours", **learning))
    data = {"name": f"{tmp_path / 'mine.py'}:swapped"}
    theirs = searched(experiment_in(tmp_path / "theirs", data=data, **learning))
    assert choosing_steps(ours) == choosing_steps(theirs)
    accuracies = np.array(
        [
            [final(experiment, k)["test_accuracy"] for k in range(ours.retrain.seeds)]
            for experiment in (ours, theirs)
        ]
    )
    np.testing.assert_allclose(accuracies.sum(axis=0), 1)
    assert (accuracies[0] != 0.5).any()


@pytest.mark.parametrize("test", [None, 3])
def test_of_a_folder_of_images_the_other_parts_stay(tmp_path: Path, test: int | None) -> None:
    for part, count in (("train", 12), ("test", 5)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("L", (4, 4), 100 * label + number)
                image.save(tmp_path / part / name / f"{number}.png")
    before = images(str(tmp_path), channels=1, validation=4, test=test)
    (tmp_path / "test" / "cat").rename(tmp_path / "test" / "kept")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "cat")
    (tmp_path / "test" / "kept").rename(tmp_path / "test" / "dog")
    (tmp_path / "test" / "cat" / "0.png").rename(tmp_path / "test" / "dog" / "of a cat.png")
    after = images(str(tmp_path), channels=1, validation=4, test=test)
    for part in ("train", "validation"):
        for kind in ("inputs", "labels"):
            one, other = (getattr(getattr(data, part), kind) for data in (before, after))
            np.testing.assert_array_equal(one, other)
    assert before.test is not None and after.test is not None
    assert not np.array_equal(before.test.inputs, after.test.inputs)
