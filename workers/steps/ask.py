"""Ask questions about the context: that it answers, that take two of its parts, or that it does not answer."""

from typing import Any

from app.catalog.asking import AskingOptions
from app.catalog.questions import QuestionType
from app.replies import HopQuestion, HopQuestions, Questions, Unstated, UnstatedQuestions
from workers.recipes.work import Work
from workers.steps.profile import draw, told
from workers.steps.question import Question

PLAIN = "ask/grounded@1"  # nobody in particular asks, in plain words, about stated facts
PROMPTS: dict[QuestionType, str] = {
    "single_hop": "ask/grounded@2",
    "multi_hop": "ask/multi_hop@1",
    "unanswerable": "ask/unanswerable@1",
}
LONGEST_AVOID = 40


async def ask(work: Work, options: AskingOptions, kind: QuestionType, count: int, *, ahead: int) -> list[Question]:
    """`count` different questions of one type, in one call. Raises Refused."""
    profiles = draw(work, options, kind, count)
    lines = told(profiles)
    ref = prompt_for(kind, lines)
    more: dict[str, Any] = {} if ref == PLAIN else {"profiles": lines}
    reply = await work.model.ask(
        ref, context=work.context, ahead=ahead, count=count, language=work.language, avoid=avoid(work), **more
    )
    assert isinstance(reply, Questions | UnstatedQuestions | HopQuestions)
    questions: list[str | Unstated | HopQuestion] = [*reply.questions]
    found = []
    for i, (asked, profile) in enumerate(zip(questions, profiles, strict=False)):
        attributes: dict[str, str] = profile.attributes(kind)
        if isinstance(asked, Unstated):
            attributes["missing"] = asked.missing
        found.append(
            Question(
                asked if isinstance(asked, str) else asked.question,
                (ref,),
                path=str(i) if kind == "single_hop" else f"{kind}.{i}",
                type=kind,
                length=profile.length or "medium",
                attributes=attributes,
            )
        )
    return found


def prompt_for(kind: QuestionType, lines: list[str]) -> str:
    """The prompt for a type, given what is told of each question."""
    return PLAIN if kind == "single_hop" and not lines else PROMPTS[kind]


def seeded(work: Work) -> list[Question]:
    """The user's own questions for this context; they are asked as they are, and not evolved."""
    attributes = {"question_type": "single_hop", "seed_question": True}
    return [Question(text, (), path=f"seed.{i}", attributes=attributes) for i, text in enumerate(work.seeds)]


def avoid(work: Work) -> list[str]:
    """Questions this context has been asked already, the user's own among them; the newest 40."""
    return list(dict.fromkeys((*work.avoid, *work.seeds)))[-LONGEST_AVOID:]
