"""The rules of the house that no reviewer remembers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("app", "workers", "tests", "migrations") for path in (ROOT / folder).rglob("*.py"))
LONGEST = 400


def test_there_are_sources_to_look_at() -> None:
    assert len(SOURCES) > 80


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_one_would_like_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    silent = [p for p in SOURCES if p.read_text().strip() and not p.read_text().startswith('"""')]
    assert silent == []


def test_no_module_is_named_after_nothing() -> None:
    bad = {"utils", "common", "core", "helpers", "base", "manager", "misc"}
    assert [p for p in SOURCES if p.stem in bad or p.parent.name in bad] == []


def test_the_api_loads_neither_workers_nor_torch() -> None:
    heavy = "{'workers', 'torch', 'vllm', 'transformers', 'sentence_transformers', 'kreuzberg'}"
    code = f"import app.main, sys; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_only_settings_reads_our_environment() -> None:
    allowed = {"app/settings.py", "app/stack/parts.py"}  # the second hands the settings on to the parts it starts
    readers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.parts[len(ROOT.parts)] in ("app", "workers") and re.search(r"environ.*CORPUSMITH_", path.read_text())
    }
    assert readers <= allowed


def test_import_contracts_hold() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
