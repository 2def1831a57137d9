"""What we ask the model to return: one Pydantic model per reply shape. Field order is reply order.

Those of questions and answers about documents stand here, those of other groups of tasks in the modules beside it.

`maxLength` bounds every string: a model that falls into a loop must run into the schema, not into the token limit.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=600)]
Grade = Annotated[int, Field(ge=1, le=5)]


class Reply(BaseModel):
    """A reply shape. `schema_for(count)` is the JSON schema that travels in `response_format`."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)
    counted: ClassVar[str | None] = None

    @classmethod
    def schema_for(cls, count: int | None = None) -> dict[str, Any]:
        """The schema, with the list field `counted` set to exactly `count` items."""
        return _schema(cls, count)


@cache
def shape(name: str) -> type[Reply]:
    """The reply shape of this class name, of whichever module of this folder. Raises LookupError."""
    for module in (__name__, *(f"{__name__}.{found.name}" for found in iter_modules(__path__))):
        found = vars(import_module(module)).get(name)
        if isinstance(found, type) and issubclass(found, Reply):
            return found
    raise LookupError(f"{name} is not a reply shape")


@cache
def _schema(reply: type[Reply], count: int | None) -> dict[str, Any]:
    schema: dict[str, Any] = _plain(reply.model_json_schema())
    schema["additionalProperties"] = False
    if reply.counted and count is not None:
        schema["properties"][reply.counted] |= {"minItems": count, "maxItems": count}
    return schema


def _plain(node: Any) -> Any:
    """Without the titles and descriptions that only cost the server's grammar compiler time."""
    if isinstance(node, dict):
        return {k: _plain(v) for k, v in node.items() if k not in ("title", "description") or not isinstance(v, str)}
    return [_plain(v) for v in node] if isinstance(node, list) else node


class Questions(Reply):
    """A list of questions about one document."""

    counted = "questions"
    questions: list[Annotated[str, Field(min_length=1, max_length=300)]]


class Answer(Reply):
    """An answer and, before it, the words of the document that it rests on."""

    quote: Annotated[str, Field(max_length=400)]
    answer: Text

    @property
    def quotes(self) -> list[str]:
        """The one passage, or none."""
        return [self.quote] if self.quote else []


class Evolved(Reply):
    """A question made harder or wider."""

    question: Annotated[str, Field(min_length=1, max_length=400)]


class Verdicts(Reply):
    """A judge's own answer, and then its grades of the row, 1 (bad) to 5 (perfect), with the reason before them."""

    own_answer: Annotated[str, Field(max_length=200)]
    reason: Annotated[str, Field(max_length=300)]
    faithfulness: Grade
    answerability: Grade
    usefulness: Grade


class ChunkGrades(Reply):
    """What a judge thinks of a chunk as material for questions, 1 (useless) to 5 (excellent), the reason first."""

    reason: Annotated[str, Field(max_length=300)]
    clarity: Grade
    depth: Grade
    structure: Grade
    relevance: Grade

    @property
    def score(self) -> float:
        """The mean of the four grades, scaled to 0..1."""
        return (self.clarity + self.depth + self.structure + self.relevance - 4) / 16


class CitedAnswer(Reply):
    """An answer and, before it, the words of the document that it rests on; after it, whatever else it rests on.

    With a list of quotes before the answer a model of 1.5 B copied more than it needed, and answered from all of it.
    """

    quote: Annotated[str, Field(max_length=400)]
    answer: Annotated[str, Field(min_length=1, max_length=1200)]
    further_quotes: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=3)]

    @property
    def quotes(self) -> list[str]:
        """All passages, the one that holds the answer first; none when it answers nothing."""
        return [quote for quote in (self.quote, *self.further_quotes) if quote]


class HopQuestion(Reply):
    """Two facts from different parts of a document, and a question that joins them."""

    first: Annotated[str, Field(min_length=1, max_length=300)]
    second: Annotated[str, Field(min_length=1, max_length=300)]
    question: Annotated[str, Field(min_length=1, max_length=300)]


class HopQuestions(Reply):
    """Questions for which no single part of a document is enough."""

    counted = "questions"
    questions: list[HopQuestion]


class HopAnswer(Reply):
    """An answer that joins what at least two passages say."""

    quotes: Annotated[list[Annotated[str, Field(max_length=400)]], Field(min_length=2, max_length=4)]
    answer: Annotated[str, Field(min_length=1, max_length=1200)]


class Unstated(Reply):
    """Something a document leaves out, and a question about it."""

    missing: Annotated[str, Field(min_length=1, max_length=150)]
    question: Annotated[str, Field(min_length=1, max_length=300)]


class UnstatedQuestions(Reply):
    """Questions near a document that it does not answer."""

    counted = "questions"
    questions: list[Unstated]


class Refusal(Reply):
    """A refusal that says what is not known, and nothing else."""

    refusal: Annotated[str, Field(min_length=1, max_length=400)]


class ChoiceQuestion(Reply):
    """A question with one right and three wrong answers, and before it the sentence that holds the right one."""

    quote: Annotated[str, Field(max_length=400)]
    question: Annotated[str, Field(min_length=1, max_length=300)]
    right: Annotated[str, Field(min_length=1, max_length=120)]
    wrong: Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(min_length=3, max_length=3)]


class ChoiceQuestions(Reply):
    """Multiple-choice questions about one document."""

    counted = "questions"
    questions: list[ChoiceQuestion]


class Statement(Reply):
    """A statement that is true, or made false by changing one fact; what was changed stands before it."""

    quote: Annotated[str, Field(max_length=400)]
    changed_from: Annotated[str, Field(max_length=120)]
    changed_to: Annotated[str, Field(max_length=120)]
    statement: Annotated[str, Field(min_length=1, max_length=400)]


class Statements(Reply):
    """True and false statements about one document."""

    counted = "statements"
    statements: list[Statement]


class Chosen(Reply):
    """The letter a judge chooses, after its reason."""

    reason: Annotated[str, Field(max_length=300)]
    choice: Literal["A", "B", "C", "D", "none"]


class TruthVerdict(Reply):
    """What a judge holds of a statement, after its reason."""

    reason: Annotated[str, Field(max_length=300)]
    verdict: Literal["true", "false", "unknown"]


class OwnAnswer(Reply):
    """A judge's own shortest answer to a question."""

    own_answer: Annotated[str, Field(max_length=200)]


class EvolvedInstruction(Evolved):
    """An instruction made harder or wider; it may hold the input it works on."""

    question: Annotated[str, Field(min_length=1, max_length=2000)]


class Instructions(Reply):
    """New instructions, unlike the examples shown."""

    counted = "instructions"
    instructions: list[Annotated[str, Field(min_length=1, max_length=600)]]


class Response(Reply):
    """What an instruction asked for."""

    answer: Annotated[str, Field(min_length=1, max_length=4000)]


class Gain(Reply):
    """Does an evolved instruction ask for something else than its parent, or more?"""

    reason: Annotated[str, Field(max_length=200)]
    gain: bool


class InstructVerdicts(Reply):
    """A judge's own answer in short, and then its grades of an instruction and its answer, the reason before them."""

    own_answer: Annotated[str, Field(max_length=300)]
    reason: Annotated[str, Field(max_length=300)]
    correctness: Grade
    helpfulness: Grade
    clarity: Grade


class AnswerAlone(Reply):
    """An answer alone, to be compared with another."""

    answer: Text


class Standing(Reply):
    """How demanding a question is and how good its answer is, 1 to 6 each (DEITA, arXiv 2312.15685)."""

    reason: Annotated[str, Field(max_length=300)]
    complexity: Annotated[int, Field(ge=1, le=6)]
    quality: Annotated[int, Field(ge=1, le=6)]


class Mended(Reply):
    """A row written anew: its question, the words it rests on, and its answer."""

    question: Annotated[str, Field(min_length=1, max_length=400)]
    quotes: Annotated[list[Annotated[str, Field(max_length=400)]], Field(min_length=1, max_length=4)]
    answer: Text
