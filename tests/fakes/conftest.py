"""One fake model server for the tests of this folder, honest and with its counts at zero before each."""

from collections.abc import Iterator

import pytest

from tests.fakes.process import FakeModel


@pytest.fixture(scope="module")
def running() -> Iterator[FakeModel]:
    with FakeModel() as started:
        yield started


@pytest.fixture
def model(running: FakeModel) -> FakeModel:
    running.set_script({"latency_ms": 0})
    running.reset()
    return running
