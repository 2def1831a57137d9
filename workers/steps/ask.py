"""Ask questions about the context: that it answers, that take two of its parts, or that it does not answer."""

from app.catalog.questions import QuestionType
from app.catalog.tasks.grounded_qa import GroundedQaOptions
from app.replies import Questions, UnstatedQuestions
from workers.recipes.work import Work
from workers.steps.profile import draw, told
from workers.steps.question import Question

PROMPTS: dict[QuestionType, str] = {
    "single_hop": "ask/grounded@2",
    "multi_hop": "ask/multi_hop@1",
    "unanswerable": "ask/unanswerable@1",
}
LONGEST_AVOID = 40


async def ask(work: Work, options: GroundedQaOptions, kind: QuestionType, count: int, *, ahead: int) -> list[Question]:
    """`count` different questions of one type, in one call. Raises Refused."""
    profiles = draw(work, options, kind, count)
    reply = await work.model.ask(
        PROMPTS[kind],
        context=work.context,
        ahead=ahead,
        count=count,
        language=work.language,
        avoid=avoid(work),
        profiles=told(profiles),
    )
    assert isinstance(reply, Questions | UnstatedQuestions)
    found = []
    for i, (asked, profile) in enumerate(zip(reply.questions, profiles, strict=False)):
        attributes: dict[str, str] = profile.attributes(kind)
        if not isinstance(asked, str):
            attributes["missing"] = asked.missing
        found.append(
            Question(
                asked if isinstance(asked, str) else asked.question,
                (PROMPTS[kind],),
                path=str(i) if kind == "single_hop" else f"{kind}.{i}",
                type=kind,
                length=profile.length or "medium",
                attributes=attributes,
            )
        )
    return found


def seeded(work: Work) -> list[Question]:
    """The user's own questions for this context; they are asked as they are, and not evolved."""
    attributes = {"question_type": "single_hop", "seed_question": True}
    return [Question(text, (), path=f"seed.{i}", attributes=attributes) for i, text in enumerate(work.seeds)]


def avoid(work: Work) -> list[str]:
    """Questions this context has been asked already, the user's own among them; the newest 40."""
    return list(dict.fromkeys((*work.avoid, *work.seeds)))[-LONGEST_AVOID:]
