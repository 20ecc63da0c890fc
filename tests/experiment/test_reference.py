"""Own code by name."""

import hashlib
import sys
from pathlib import Path

import pytest

from nas_hpc.experiment import OwnCodeError, is_reference, resolve, source_hash
from nas_hpc.experiment.reference import absolute


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("COUNT = []\nCOUNT.append(1)\n\ndef space():\n    return 'mine'\n")
    return file


def test_names():
    assert is_reference("package.module:name")
    assert is_reference("own.py:space")
    assert not is_reference("convnet")


def test_a_file(own):
    assert resolve(f"{own}:space")() == "mine"
    assert resolve(f"{own}:COUNT") is resolve(f"{own}:COUNT")
    assert resolve(f"{own}:COUNT") == [1], "the file is imported once"


def test_two_files_of_one_name_are_two_modules(own, tmp_path):
    other = tmp_path / "other" / "own.py"
    other.parent.mkdir()
    other.write_text("def space():\n    return 'theirs'\n")
    assert (resolve(f"{own}:space")(), resolve(f"{other}:space")()) == ("mine", "theirs")


def test_a_module(own, monkeypatch):
    assert resolve("pathlib:Path") is Path
    monkeypatch.syspath_prepend(own.parent)
    (own.parent / "own_package_of_test.py").write_text("def child():\n    return 3\n")
    assert resolve("own_package_of_test:child")() == 3


def test_relative_files_are_anchored(tmp_path):
    assert absolute("code/own.py:space", tmp_path) == f"{tmp_path}/code/own.py:space"
    assert absolute("/code/own.py:space", tmp_path) == "/code/own.py:space"
    assert absolute("package.module:space", tmp_path) == "package.module:space"
    assert absolute("convnet", tmp_path) == "convnet"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/nowhere/own.py:space", r"/nowhere/own\.py does not exist"),
        ("no_such_package_here:space", "importing no_such_package_here failed"),
        ("pathlib:Pat", r"pathlib has no 'Pat'; it has .*PurePath"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name, message):
    with pytest.raises(OwnCodeError, match=message):
        resolve(name)


def test_a_file_that_raises_is_refused_and_may_be_mended(own):
    own.write_text("1 / 0\n")
    before = set(sys.modules)
    with pytest.raises(
        OwnCodeError, match=r"own\.py:space: importing .* failed: ZeroDivisionError"
    ):
        resolve(f"{own}:space")
    assert not {key for key in set(sys.modules) - before if key.startswith("nas_hpc_own")}
    own.write_text("space = 5\n")
    assert resolve(f"{own}:space") == 5


def test_the_hash_is_that_of_the_source(own):
    assert source_hash(f"{own}:space") == hashlib.sha256(own.read_bytes()).hexdigest()
    before = source_hash(f"{own}:space")
    own.write_text(own.read_text() + "# another line\n")
    assert source_hash(f"{own}:space") != before
    assert len(source_hash("pathlib:Path")) == 64
