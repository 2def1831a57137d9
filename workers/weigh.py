"""Ask models about many chunks while a dataset is planned: grades of a judge, losses of the trainee."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from app import domain
from app.datasets.schemas import Grouping
from app.llm.asking import Asker, BudgetSpent
from app.llm.protocol import Refused
from app.models import Dataset
from app.prompts import LANGUAGES
from app.replies import ChunkGrades
from workers import planning

log = structlog.get_logger()

PROMPT = "judge/chunk@1"


@dataclass(frozen=True, slots=True)
class Weight:
    """What was found out about one chunk; None: not asked, or no usable reply. `calls` made or replayed for it."""

    grade: float | None = None
    loss: float | None = None
    calls: int = 0


@dataclass(slots=True)
class Weights:
    """By chunk id: grades 0..1, losses in nats per token. `unweighed`: no usable reply, or over the budget."""

    grades: dict[str, float] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    unweighed: int = 0


def run(dataset: Dataset, chunks: Sequence[domain.Context], options: Grouping, lost: threading.Event) -> Weights:
    """Weigh these chunks (each as a context of its own). Raises what `planning.ask_each` raises."""

    async def weigh(asker: Asker, chunk: domain.Context) -> Weight:
        return await _weigh(asker, chunk, options)

    known = planning.ask_each(dataset, "weigh", chunks, weigh, lost)
    found = Weights(
        grades={chunk.id: grade for chunk in chunks if (grade := known[chunk.id].grade) is not None},
        losses={chunk.id: loss for chunk in chunks if (loss := known[chunk.id].loss) is not None},
        calls=sum(known[chunk.id].calls for chunk in chunks),
    )
    weighed = found.grades if options.quality == "judge" else found.losses
    found.unweighed = len(chunks) - len(weighed)
    return found


async def _weigh(asker: Asker, chunk: domain.Context, options: Grouping) -> Weight:
    """One chunk: the judge first, then the trainee where the grade is good enough to begin a context."""
    grade = loss = None
    language = LANGUAGES.get(chunk.language, chunk.language)
    try:
        if options.quality == "judge":
            ahead = options.calls_a_chunk
            reply = await asker.ask(PROMPT, context=chunk, ahead=ahead, role="judge", language=language)
            assert isinstance(reply, ChunkGrades)
            grade = reply.score
        if options.order == "by_loss" and (grade is None or grade >= options.least_quality):
            loss = await asker.loss(context=chunk, prefix="", text=chunk.text, ahead=1)
    except BudgetSpent:
        log.info("weigh.budget_spent", dataset_id=asker.dataset_id, chunk_id=chunk.id)
    except Refused as refusal:
        log.warning("weigh.refused", dataset_id=asker.dataset_id, chunk_id=chunk.id, reason=refusal.reason)
    return Weight(grade, loss, len(asker.made))
