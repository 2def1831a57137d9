"""Reads the datasets of `deduplicate_against`: their accepted rows count as seen before any row of this one."""

from collections.abc import Callable

from app.datasets.schemas import Selection
from app.models import Sample
from workers import accepted
from workers.select.candidates import Alike
from workers.select.duplicates import Known
from workers.select.words import words


def load(selection: Selection, alike: Alike | None, alive: Callable[[], None]) -> Known:
    """Rows of the other datasets, about 2 kB of memory each. `alive` is called a page and may raise."""
    known = Known(selection.near_copy)
    for dataset_id in selection.deduplicate_against:
        for page in accepted.pages(dataset_id, Sample.id, Sample.question, Sample.answer, Sample.attributes):
            alive()
            rows = [(row.id, words(told(row.question, row.answer, row.attributes, alike))) for row in page]
            known.add(dataset_id, rows)
    return known


def told(question: str, answer: str, attributes: dict[str, object], alike: Alike | None) -> str:
    """What near copies are told by."""
    return alike(question, answer, attributes) if alike else f"{question} {answer}"
