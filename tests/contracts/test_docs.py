"""The README and the pages say all that there is, and link to nothing that is not."""

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from app import errors, problems
from app.catalog import CONTAINERS, EVOLUTIONS, FORMATS, METHODS, METRICS, TASKS, TRAINERS, VARIANTS
from app.exports.schemas import Bundle, ExportCreate
from app.settings import Settings
from app.trainings.run import FailureCode, Hyperparameters

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "prompts" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.S | re.M)


def page(name: str) -> str:
    return (ROOT / name).read_text()


def tasks_pages() -> str:
    """The page of tasks and the pages of single tasks."""
    return "\n".join(path.read_text() for path in PAGES if "docs/tasks" in path.as_posix())


def names_in_code(text: str) -> set[str]:
    """What stands between backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def tree_map() -> str:
    return page("README.md").split("## Map of the tree", 1)[1].split("\n## ", 1)[0]


def anchors(path: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _CODE.sub(lambda m: m[0].strip("`"), path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def subclasses(kind: type[errors.Problem]) -> set[type[errors.Problem]]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


def test_there_are_pages() -> None:
    assert len(PAGES) >= 9


def test_every_setting_is_described() -> None:
    settings = {f"CORPUSMITH_{name.upper()}" for name in Settings.model_fields}
    assert settings - names_in_code(page("docs/operations.md")) == set()


def test_no_page_names_a_setting_that_is_not() -> None:
    known = {f"CORPUSMITH_{name.upper()}" for name in Settings.model_fields}
    known |= {"CORPUSMITH_URL", "CORPUSMITH_API_KEY"}  # of the command line
    named = {found for path in PAGES for found in re.findall(r"CORPUSMITH_[A-Z_]*[A-Z]\b(?!_?\*)", path.read_text())}
    assert named - known == set()


def test_every_error_code_is_described() -> None:
    codes = {kind.code for kind in subclasses(errors.Problem)} | set(problems._BY_STATUS.values()) | {"http_error"}
    assert codes - names_in_code(page("docs/api.md")) == set()


def test_every_gate_and_its_drop_reason_is_described() -> None:
    named = names_in_code(tasks_pages())
    assert set(METRICS) | {metric.reason for metric in METRICS.entries.values()} <= named


def test_every_task_option_format_and_evolution_is_described() -> None:
    named = names_in_code(tasks_pages())
    options = {option for task in TASKS.entries.values() for option in task.options.model_fields}
    assert set(TASKS) | options | set(FORMATS) | set(EVOLUTIONS) <= named


def test_every_container_trainer_and_option_of_an_export_is_described() -> None:
    named = names_in_code(page("docs/exports.md"))
    options = set(ExportCreate.model_fields) | set(Bundle.model_fields)
    assert set(CONTAINERS) | set(TRAINERS) | options <= named


def test_everything_that_can_be_chosen_of_a_training_is_described() -> None:
    kinds = [entry.options for entry in METHODS.entries.values()] + [
        entry.options for entry in VARIANTS.entries.values()
    ]
    options = {option for kind in kinds for option in kind.model_fields}
    named = names_in_code(page("docs/training.md"))
    assert set(METHODS) | set(VARIANTS) | options | set(Hyperparameters.model_fields) <= named
    assert set(get_args(FailureCode)) <= named


def test_the_map_shows_every_top_level_name() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    top = {f"{name}/" if "/" in line else name for line in done.stdout.split() for name in [line.split("/", 1)[0]]}
    shown = {name.split("/", 1)[0] + ("/" if "/" in name else "") for name in names_in_code(tree_map())}
    assert top - shown == set()


def test_the_map_shows_nothing_that_is_not_there() -> None:
    rows = [line.split("|")[1] for line in tree_map().splitlines() if line.startswith("| `")]
    paths = [name for row in rows for name in names_in_code(row)]
    assert len(paths) > 40
    assert [name for name in paths if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", path.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link
