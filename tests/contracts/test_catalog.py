"""Every catalogue entry works, and a new one needs only its file."""

from pathlib import Path

import pytest

from app import catalog
from app.catalog.kinds import ExportFormat
from app.catalog.registry import Registry
from app.domain import Sample
from workers.recipes import recipe

SAMPLE = Sample(kind="original", question="When?", answer="At noon.")


@pytest.mark.parametrize("name", list(catalog.TASKS))
def test_every_task_has_a_recipe_known_gates_and_usable_defaults(name: str) -> None:
    task = catalog.TASKS[name]
    options = task.options()
    assert callable(recipe(name))
    assert set(task.gates) <= set(catalog.METRICS)
    assert task.calls({}, task.gates, catalog.METRICS.entries) >= 0 < task.rows(options)


def test_grounded_qa_costs_sixteen_calls_with_its_defaults() -> None:
    task = catalog.TASKS["grounded_qa"]
    options = {"questions_per_context": 3, "evolve_rounds": 1}
    assert task.calls(options, task.gates, catalog.METRICS.entries) == 1 + 3 + 3 + 3 + 6


def test_a_file_is_all_it_takes_to_add_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pairs.py").write_text(
        "from app.catalog.kinds import ExportFormat\n"
        "PAIRS = ExportFormat(summary='Pairs.', render=lambda s: {'q': s.question}, loads_with='anything')\n"
    )
    import app.catalog.formats as folder

    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    fresh = Registry(ExportFormat, "app.catalog.formats")
    assert fresh["pairs"].render(SAMPLE) == {"q": "When?"}
    assert "messages" in fresh
