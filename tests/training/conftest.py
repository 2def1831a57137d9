"""A tiny base model for all tests of training. What foreign trainers warn of is not ours to fail on."""

import os
from pathlib import Path

import pytest

from tests.training import tiny

os.environ["OMP_NUM_THREADS"] = "1"  # matrices this small are slower on several; children inherit it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.filterwarnings("ignore"))
        item.add_marker(pytest.mark.timeout(900))  # a child loads torch: seconds, or minutes where others work


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama of random weights."""
    return tiny.model(tmp_path_factory.mktemp("base") / "tiny")
