"""Plan a dataset whose prompts are either questions about documents or uploaded instructions, as its options say."""

import threading

from app.models import Dataset, Document
from workers import contexts, instructions
from workers.layout import Layout


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """Contexts of the documents, or one for each uploaded instruction."""
    if dataset.spec["options"]["prompts_from"] == "uploaded":
        return instructions.plan(dataset, documents, lost)
    return contexts.plan(dataset, documents, lost)
