"""Published data sets: read out of checked archives; the network is asked for nothing else."""

import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError

import numpy as np
import pytest
from torchvision import datasets

from nas_hpc.children import DataError, load_search, load_test, prepare
from tests.children import archives
from tests.children.runs import make_experiment

pytestmark = pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning:tarfile")
NAMES = ("cifar10", "cifar100", "fashion-mnist")


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """There is no network; the addresses that were asked for all the same."""
    asked: list[str] = []

    def urlopen(request, *_, **__):
        asked.append(request.full_url)
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def write(name: str, folder: Path, monkeypatch):
    if name == "fashion-mnist":
        return archives.fashion_mnist(folder, monkeypatch)
    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    return archives.cifar(kind, folder, monkeypatch)


def experiment(name: str, folder: Path, **options):
    return make_experiment(data={"name": name, "options": {"folder": str(folder), **options}})


@pytest.mark.parametrize(
    ("name", "classes", "shape"),
    [
        ("cifar10", 10, (3, 32, 32)),
        ("cifar100", 100, (3, 32, 32)),
        ("fashion-mnist", 10, (1, 28, 28)),
    ],
)
def test_every_image_comes_with_its_label_and_nothing_is_asked_of_the_network(
    tmp_path, monkeypatch, asked, name, classes, shape
):
    learnt, tested = write(name, tmp_path / "sets", monkeypatch)
    about = prepare(experiment(name, tmp_path / "sets"), tmp_path / "data")
    search, test = load_search(tmp_path / "data"), load_test(tmp_path / "data")
    assert about["classes"] == search.classes == classes
    assert len(search.validation) == len(learnt[1]) // 10
    for splits, (pixels, labels) in (
        ((search.train, search.validation), learnt),
        ((test,), tested),
    ):
        expected = {row.tobytes(): label for row, label in zip(pixels, labels, strict=True)}
        for split in splits:
            assert split.inputs.dtype == np.uint8 and split.inputs.shape[1:] == shape
            for image, label in zip(split.inputs, split.labels, strict=True):
                assert expected.pop(image.tobytes()) == label
        assert not expected
    assert not asked


def test_an_archive_is_downloaded_once(tmp_path, monkeypatch):
    write("cifar10", tmp_path / "site", monkeypatch)
    got = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_):
            got.append(self.command)

    handler = partial(Handler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{datasets.CIFAR10.filename}"
        monkeypatch.setattr(datasets.CIFAR10, "url", address)
        asked = experiment("cifar10", tmp_path / "sets" / "new")
        about = prepare(asked, tmp_path / "data")
        assert "GET" in got
        got.clear()
        assert prepare(asked, tmp_path / "data") == about
        assert prepare(asked, tmp_path / "other")["fingerprint"] == about["fingerprint"]
        assert not got
        server.shutdown()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("download", [True, False])
def test_a_missing_or_damaged_archive_is_named_with_what_to_put_where(
    tmp_path, monkeypatch, asked, name, download
):
    write(name, tmp_path / "sets", monkeypatch)
    file = max((tmp_path / "sets").rglob("*.gz"))
    content = file.read_bytes()
    for state, change in (
        ("is damaged", lambda: file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))),
        ("does not exist", file.unlink),
    ):
        change()
        with pytest.raises(DataError) as caught:
            prepare(experiment(name, tmp_path / "sets", download=download), tmp_path / "data")
        message = str(caught.value)
        assert f"{file} {state}" in message and f"into {file.parent};" in message
        assert ("no network" in message) == download
        for archive in tmp_path.glob("*/**/*.gz"):
            assert f"/{archive.name} " in message.partition("download http")[2]
    assert bool(asked) == download
    assert not (tmp_path / "data").exists()
