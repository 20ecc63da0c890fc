"""environment.yml, pyproject.toml and the locks name the same things."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime", "torch", "development")
OURS = ("3.11", "3.12", "3.13")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT = {
    "runtime": PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"],
    "torch": PROJECT["project"]["optional-dependencies"]["torch"],
    "development": PROJECT["project"]["optional-dependencies"]["dev"],
}


def locked_lines(lock: str) -> list[str]:
    lines = (ROOT / "locks" / f"{lock}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def pins(lock: str, python: str) -> dict[str, Version]:
    """What the lock installs on Linux x86-64 with this Python."""
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
    }
    found: dict[str, Version] = {}
    for line in locked_lines(lock):
        requirement = Requirement(line)
        if requirement.marker is None or Marker(str(requirement.marker)).evaluate(target):
            (pin,) = requirement.specifier
            name = canonicalize_name(requirement.name)
            assert name not in found, f"{name} is pinned twice for Python {python}"
            found[name] = Version(pin.version)
    return found


def test_environment_is_python_pip_and_the_locks():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (from_pip,) = (entry for entry in dependencies if isinstance(entry, dict))
    from_conda = [entry.split(maxsplit=1) for entry in dependencies if isinstance(entry, str)]

    assert [name for name, _ in from_conda] == ["python", "pip"]
    assert from_pip == {"pip": ["-r locks/runtime.txt", "-r locks/torch.txt"]}
    python_range = SpecifierSet(dict(from_conda)["python"])
    assert python_range == SpecifierSet(PROJECT["project"]["requires-python"])
    assert [minor for minor in range(20) if f"3.{minor}" in python_range] == [11, 12, 13]


@pytest.mark.parametrize("python", OURS)
@pytest.mark.parametrize("lock", LOCKS)
def test_direct_dependencies_are_pinned_within_their_range(lock, python):
    pinned = pins(lock, python)
    for line in DIRECT[lock]:
        requirement = Requirement(line)
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("line", [line for lines in DIRECT.values() for line in lines])
def test_no_range_is_open(line):
    operators = {specifier.operator for specifier in Requirement(line).specifier}
    assert operators == {">=", "<"}


def test_the_build_group_is_what_the_build_requires():
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("python", OURS)
def test_torch_is_the_pair_that_was_tried(python):
    pinned = pins("torch", python)
    assert (pinned["torch"], pinned["torchvision"]) == (Version("2.14.1"), Version("0.29.1"))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_an_exact_pin_and_names_no_host(lock):
    text = (ROOT / "locks" / f"{lock}.txt").read_text()
    assert not re.search(r"://|\b[\w-]+\.(org|com|net|io|dev)\b", text)
    for line in locked_lines(lock):
        requirement = Requirement(line)
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], line
        assert "*" not in str(requirement.specifier), line
        assert requirement.url is None, line


@pytest.mark.parametrize("python", OURS)
def test_locks_do_not_overlap(python):
    names = [name for lock in LOCKS for name in pins(lock, python)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("python", OURS)
def test_torch_stands_in_its_own_lock_only(python):
    for lock in ("runtime", "development"):
        names = pins(lock, python)
        assert not [n for n in names if n.startswith(("nvidia-", "torch", "triton", "cuda-"))]
