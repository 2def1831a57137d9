"""Plan a dataset of labelled texts; where no labels were given, find them in the documents first.

Each of some contexts, taken from all documents in turn, proposes labels, and one call makes a set of what they propose.
Both see the same contexts every time, and their replies are in the ledger: the same corpus gives the same labels.
"""

import threading
from collections import Counter

from app import domain
from app.catalog.tasks.classify import NONE
from app.db import reading
from app.llm.asking import Asker, BudgetSpent
from app.llm.protocol import Refused
from app.models import Dataset, Document
from app.prompts import LANGUAGES
from app.replies.text import FoundLabel, FoundLabels
from workers import contexts, planning
from workers.claim import chunks_of
from workers.layout import FALLBACK_LANGUAGE, Layout, Unusable

PROPOSE, MERGE = "induce/labels@1", "induce/merge@1"
ASKED = 24  # contexts
PROPOSALS = 3  # labels of each

Proposed = tuple[list[FoundLabel], int]  # labels, calls


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """Contexts as for any task. Raises what `planning.ask_each` raises, and Unusable if no labels can be found."""
    layout = contexts.plan(dataset, documents, lost)
    if layout.groups and not dataset.spec["options"]["labels"]:
        found, calls = _find(dataset, layout, lost)
        layout.options["labels"] = {label.name: label.description for label in found}
        layout.counts["weighing_calls"] = layout.counts.get("weighing_calls", 0) + calls
    return layout


def _find(dataset: Dataset, layout: Layout, lost: threading.Event) -> Proposed:
    """The labels, and how many calls they took."""
    wanted: int = dataset.spec["options"]["induce"]
    criterion: str = dataset.spec["options"]["criterion"]
    asked = _contexts(dataset, layout)
    language = Counter(context.language for context in asked).most_common(1)[0][0]
    spoken = LANGUAGES.get(language, language)
    contexts.announce(dataset.id, len(asked), len(asked) + 1, "finding labels in")

    async def propose(asker: Asker, context: domain.Context) -> Proposed:
        try:
            reply = await asker.ask(
                PROPOSE, context=context, ahead=2, count=PROPOSALS, criterion=criterion, language=spoken
            )
        except (Refused, BudgetSpent):
            return [], len(asker.made)
        assert isinstance(reply, FoundLabels)
        return reply.labels[:PROPOSALS], len(asker.made)

    by_context = planning.ask_each(dataset, "labels", asked, propose, lost)
    proposals = _different([label for context in asked for label in by_context[context.id][0]])
    calls = sum(made for _, made in by_context.values())
    count = min(wanted, len(proposals))
    if count < 2:
        raise Unusable("no_labels", f"no two labels could be found in {len(asked)} contexts: give `options.labels`")
    told = [f"{label.name}: {label.description}" if label.description else label.name for label in proposals]

    async def merge(asker: Asker, context: domain.Context) -> Proposed:
        try:
            reply = await asker.ask(
                MERGE, context=context, ahead=1, count=count, candidates=told, criterion=criterion, language=spoken
            )
        except (Refused, BudgetSpent):
            return [], len(asker.made)
        assert isinstance(reply, FoundLabels)
        return reply.labels[:count], len(asker.made)

    together = domain.Context(id="labels", chunks=(), language=language)
    merged, made = planning.ask_each(dataset, "merge", [together], merge, lost)[together.id]
    labels = _different(merged)
    if len(labels) < 2:
        raise Unusable("no_labels", "the model made no set of labels of what it had proposed: give `options.labels`")
    return labels, calls + made


def _contexts(dataset: Dataset, layout: Layout) -> list[domain.Context]:
    """The first contexts of the plan: those of all documents in turn."""
    groups = layout.groups[:ASKED]
    with reading() as session:
        chunks = chunks_of(session, {chunk_id for group in groups for chunk_id in group.chunk_ids})
    wanted = dataset.spec.get("language")
    return [
        domain.Context(
            id=group.seed,
            chunks=tuple(chunks[chunk_id] for chunk_id in group.chunk_ids),
            language=wanted or layout.languages.get(group.seed, FALLBACK_LANGUAGE),
        )
        for group in groups
    ]


def _different(labels: list[FoundLabel]) -> list[FoundLabel]:
    """Those that can be labels, each once whatever its case, in order of how often it was proposed."""
    cleaned = [label.model_copy(update={"name": " ".join(label.name.replace(",", " ").split())}) for label in labels]
    usable = [label for label in cleaned if label.name and label.name.casefold() != NONE]
    times = Counter(label.name.casefold() for label in usable)
    first: dict[str, FoundLabel] = {}
    for label in usable:
        first.setdefault(label.name.casefold(), label)
    return sorted(first.values(), key=lambda label: -times[label.name.casefold()])
