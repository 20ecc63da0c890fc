"""What holds for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.small_disk import SmallDisk

# How long an example takes depends on what else the machine does.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    """One megabyte, or what the test's mark ``disk(size, inodes)`` says."""
    mark = request.node.get_closest_marker("disk")
    disk = SmallDisk(tmp_path / "disk", *(mark.args if mark else ("1m", 300)))
    yield disk
    disk.unmount()
