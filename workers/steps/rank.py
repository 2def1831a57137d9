"""Let the judge grade several answers in one call, and once more in the opposite order."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.replies.preferences import AnswerGrades, Ranking
from workers.recipes.work import Work
from workers.steps.candidates import Candidate, told
from workers.steps.question import Question

GROUNDED = "judge/rank@1"
ALONE = "judge/rank_alone@1"
_FENCE = re.compile(r"<(/?)answer", re.I)


@dataclass(frozen=True, slots=True)
class Graded:
    """A candidate with the judge's grades in either order."""

    candidate: Candidate
    grades: tuple[AnswerGrades, AnswerGrades]

    @property
    def scores(self) -> tuple[float, float]:
        """Rubric points, 1 to 5, in either order."""
        return self.grades[0].score, self.grades[1].score

    @property
    def score(self) -> float:
        """Their mean."""
        return sum(self.scores) / 2

    @property
    def faithfulness(self) -> int:
        """The lower of the two orders."""
        return min(grade.faithfulness for grade in self.grades)


async def rank(
    work: Work, question: Question, candidates: Sequence[Candidate], prompt: str, *purpose: object, ahead: int
) -> list[Graded]:
    """All candidates, the best first: by score, then faithfulness, then their own order. Two calls at once.

    Which order is the first is drawn, so that no voice always stands in front. Raises Refused.
    """
    order = list(range(len(candidates)))
    work.random("order", question.path, *purpose).shuffle(order)
    forward, backward = await asyncio.gather(
        _grades(work, [candidates[i] for i in order], prompt, ahead),
        _grades(work, [candidates[i] for i in reversed(order)], prompt, ahead),
    )
    backward.reverse()
    places = {candidate: place for place, candidate in enumerate(order)}
    graded = [Graded(candidate, (forward[places[i]], backward[places[i]])) for i, candidate in enumerate(candidates)]
    return sorted(graded, key=lambda one: (-one.score, -one.faithfulness))


def unfenced(text: str) -> str:
    """Without what would end its place in the prompt."""
    return _FENCE.sub(r"< \1answer", text)


async def _grades(work: Work, candidates: Sequence[Candidate], prompt: str, ahead: int) -> list[AnswerGrades]:
    first = candidates[0]
    shared = told(first.prompt[:-1]) if len(first.turns) == 1 else []  # else it is in the text of each
    earlier: dict[str, Any] = {} if prompt == ALONE else {"earlier": shared}
    reply = await work.model.ask(
        prompt,
        context=work.context,
        ahead=ahead,
        role="judge",
        count=len(candidates),
        question=first.question,
        answers=[unfenced(candidate.text) for candidate in candidates],
        language=work.language,
        **earlier,
    )
    assert isinstance(reply, Ranking)
    return reply.grades[: len(candidates)]
